// The entry of `npm run lab` and `npm test`: it needs no npm package, sets up what is missing, then starts the lab or the tests.
// It imports nothing statically, so that even an old Node reads it and can say what is wrong.

const [major = 0] = process.versions.node.split(".").map(Number);

// The set-up itself runs on Node 18; lab and tests need Node 22, which it fetches where the machine's is older.
if (major < 18) {
  console.error(
    "set-up: this is Node " +
      process.versions.node +
      ", and the project needs Node 22 or newer (24 recommended).\n" +
      "  Install one (https://nodejs.org, your distribution, or `nvm install` in this folder, which reads .nvmrc) and run the same command again.",
  );
  process.exitCode = 1;
} else {
  import("./main.mjs").then(function (program) {
    return program.main(process.argv.slice(2));
  });
}
