// Reads {schemas, reports} from stdin, each by name, and prints what ajv in strict
// mode finds: by schema, the error of compiling it, or the errors by report.
//
//   node ajv.cjs MODULES < JSON > JSON
const modules = process.argv[2];
const { default: Ajv } = require(modules + '/ajv/dist/2020');
const { default: addFormats } = require(modules + '/ajv-formats');

const { schemas, reports } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const found = {};
for (const [name, schema] of Object.entries(schemas)) {
  found[name] = { reports: {} };
  try {
    const ajv = addFormats(new Ajv({ strict: true }));
    const validate = ajv.compile(schema);
    for (const [report, value] of Object.entries(reports)) {
      if (!validate(value)) found[name].reports[report] = ajv.errorsText(validate.errors);
    }
  } catch (err) {
    found[name].error = err.message;
  }
}
console.log(JSON.stringify(found));
