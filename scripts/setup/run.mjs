// The entry of `npm run lab` and `npm test`: it needs no npm package, sets up what is missing, then starts the real thing.
// It imports nothing statically, so that even an old Node reads it and can say what is wrong.

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    "set-up: this is Node " +
      process.versions.node +
      ", and the project needs Node 20.19 or newer.\n" +
      "  Install one (https://nodejs.org, your distribution, or `nvm install` in this folder, which reads .nvmrc) and run the same command again.",
  );
  process.exitCode = 1;
} else {
  import("./main.mjs").then(function (program) {
    return program.main(process.argv.slice(2));
  });
}
