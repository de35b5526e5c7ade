// `node scripts/bundle-push.cjs`, a step of the build: bundles the compiled push program, which starts once for each host, into
// one file. Finding and reading its many files would take a quarter of its start; Node's compile cache keeps the compiled bundle.
"use strict";

const { spawnSync } = require("node:child_process");
const { readFileSync, writeFileSync } = require("node:fs");
const { createRequire, isBuiltin } = require("node:module");
const { join } = require("node:path");
const { ModuleKind, ScriptTarget, transpileModule } = require("typescript");

const folder = join(__dirname, "../dist/scripts/push");
const compilerOptions = { module: ModuleKind.CommonJS, target: ScriptTarget.ES2023 };

/** Places in `modules`, by file. @type {Map<string, number>} */
const places = new Map();
/** @type {string[]} */
const modules = [];

/** @param {string} file @returns {number} */
function placeOf(file) {
  const known = places.get(file);
  if (known !== undefined) return known;
  const place = places.size;
  places.set(file, place);
  const { resolve } = createRequire(file);
  // Some packages consist of ES modules.
  const { outputText } = transpileModule(readFileSync(file, "utf8"), { compilerOptions });
  const text = outputText.replace(/\brequire\("([^"]+)"\)/g, (call, name) =>
    isBuiltin(name) ? call : `load(${placeOf(resolve(name))})`,
  );
  // In parentheses V8 compiles a function at once, and what it compiles at once is in the cache.
  modules[place] = `((module, exports) => {\n${text}})`;
  return place;
}

const first = placeOf(join(folder, "main.js"));
writeFileSync(
  join(folder, "bundle.js"),
  `"use strict";
const loaded = [];
function load(place) {
  if (loaded[place] === undefined) {
    loaded[place] = { exports: {} };
    modules[place](loaded[place], loaded[place].exports);
  }
  return loaded[place].exports;
}
const modules = [${modules.join(",\n")}];
load(${first});
`,
);
writeFileSync(
  join(folder, "main.js"),
  `"use strict";
require("node:module").enableCompileCache?.(\`\${__dirname}/../../../node_modules/.cache/wireguard-mesh/node\`);
require("./bundle.js");
`,
);

// Fills the cache: the folder may be read-only later, as that of the lab's operator.
const env = { ...process.env };
delete env["NODE_COMPILE_CACHE"];
spawnSync(process.execPath, [join(folder, "main.js")], { env });
