// The entry point of `npm run lab`, `npm run bench` and `npm test`. It has no static imports, so that a Node that is too
// old can still print the message below.

const [major = 0] = process.versions.node.split(".").map(Number);

// The set-up runs on Node 18; the lab and the tests need Node 22, which the set-up downloads if necessary.
if (major < 18) {
  console.error(
    "set-up: this is Node " +
      process.versions.node +
      ", and the project needs Node 22 or newer (24 recommended).\n" +
      "  Install one (https://nodejs.org, your distribution, or `nvm install` in this folder, which\n" +
      "  reads .nvmrc) and run the same command again.",
  );
  process.exitCode = 1;
} else {
  import("./main.mjs").then(function (program) {
    return program.main(process.argv.slice(2));
  });
}
