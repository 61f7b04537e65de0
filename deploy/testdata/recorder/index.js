// Takes the place of the component fc3, which only its own registry has, and
// writes what Serverless Devs passes to it to recorded.json.
const fs = require('fs');
const path = require('path');

module.exports = class {
  async deploy(inputs) {
    fs.writeFileSync(path.join(path.dirname(inputs.yaml.path), 'recorded.json'), JSON.stringify(inputs.props));
    return {};
  }
};
module.exports.default = module.exports;
