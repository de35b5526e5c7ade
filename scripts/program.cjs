// What the engine runs (`main` in package.json): index.ts, by our own loader also where the engine's language host ignores
// `typescript: false` in Pulumi.yaml and has registered ts-node, as hosts before 3.70 do.
"use strict";

require("./load-typescript.cjs");

module.exports = require("../index.ts");
