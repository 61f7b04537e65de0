// Prints what Serverless Devs makes of the s.yaml in each folder, with the .env
// beside it: the properties of the first resource, or null if it refuses.
//
//   node parse.js PARSER FOLDER… > JSON
const parser = require(process.argv[2]);
const ParseSpec = parser.default || parser;
const path = require('path');

async function read(folder) {
  const before = { ...process.env };
  try {
    const quiet = new Proxy({}, { get: () => () => {} });
    const spec = await new ParseSpec(path.join(folder, 's.yaml'), { argv: ['deploy'], logger: quiet }).start();
    return spec.steps[0].props;
  } catch (err) {
    return null;
  } finally {
    for (const name of Object.keys(process.env)) {
      if (!(name in before)) delete process.env[name]; // else the first .env wins
    }
  }
}

(async () => {
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = () => true; // the template engine prints its errors
  console.log = () => {};
  const all = [];
  for (const folder of process.argv.slice(3)) all.push(await read(folder));
  write(JSON.stringify(all));
})();
