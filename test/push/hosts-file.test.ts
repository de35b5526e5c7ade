/** How the host's program writes the block in /etc/hosts: byte for byte, through links, in every shell. */
import * as assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { hostProgram } from "../../scripts/push/host-program";

const SHELLS = ["dash", "bash", "busybox", "mksh"].filter(
  (shell) => spawnSync("sh", ["-c", `command -v ${shell}`]).status === 0,
);
const NAMES = "10.86.0.1 relay.mesh.internal relay\nfd5c:10::2 desktop.mesh.internal desktop\n";
const BLOCK = `# wireguard-mesh wg.0 begin\n${NAMES}# wireguard-mesh wg.0 end\n`;
const OTHER = "# wireguard-mesh wgx0 begin\n10.9.0.1 a.other.internal\n# wireguard-mesh wgx0 end\n";

/** The content of the file before, and with the block. */
const CONTENTS: Record<string, [before: string, after: string]> = {
  "lines as usual": ["127.0.0.1 localhost\n::1 localhost\n", "(before)(block)"],
  "no end of the last line": ["127.0.0.1 localhost\n10.1.1.1 nas", "(block)(before)"],
  nothing: ["", "(block)"],
  "empty lines at its end": ["127.0.0.1 localhost\n\n\n", "(before)(block)"],
  "CRLF and tabs": ["127.0.0.1\tlocalhost\r\n\t# x \r\n", "(before)(block)"],
  "backslashes and bytes that are no UTF-8": ["# \\n \\1 & \xff\xfe\x80\n", "(before)(block)"],
  "a block of another interface": [OTHER, "(before)(block)"],
  "a first line of the block without a last one": [
    `# wireguard-mesh wg.0 begin\n10.1.1.1 nas\n`,
    "(before)(block)",
  ],
  "a last line of the block without a first one": [
    `10.1.1.1 nas\n# wireguard-mesh wg.0 end\n10.1.1.2 tv\n`,
    "(before)(block)",
  ],
};

describe("the block in /etc/hosts", () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "hosts-file-"));
    file = path.join(folder, "hosts");
  });
  afterEach(() => {
    fs.rmSync(folder, { recursive: true });
  });

  /** Runs functions of the program with all its paths in the folder. */
  function run(shell: string, commands: string): string {
    const program = hostProgram()
      .replace(/^main "\$@"$/m, "")
      .replaceAll("/etc/hosts", file)
      .replaceAll("/etc/cloud", "/tmp")
      .replaceAll("/etc/wireguard-mesh", folder);
    const text = `${program}set_paths wg.0; STATE=${folder}\n${commands}\n`;
    const argv = shell === "busybox" ? ["sh", "-s"] : ["-s"];
    const done = spawnSync(shell, argv, { input: text, encoding: "latin1" });
    assert.equal(done.stderr, "");
    return done.stdout;
  }
  const write = (content: string) => {
    fs.writeFileSync(file, content, "latin1");
  };
  const read = () => fs.readFileSync(file, "latin1");
  const withNames = (text: string) =>
    `printf '${text.replaceAll("\n", "\\n")}' >$NAMES; write_hosts`;

  for (const shell of SHELLS) {
    for (const [what, [before, after]] of Object.entries(CONTENTS)) {
      it(`is added and removed in ${shell} where the file has ${what}`, () => {
        write(before);
        run(shell, withNames(NAMES.replace("relay\n", "old\n")));
        assert.equal(run(shell, `${withNames(NAMES)}; observe_hosts`), BLOCK);
        assert.equal(read(), after.replace("(before)", () => before).replace("(block)", BLOCK));
        run(shell, "rm $NAMES; write_hosts");
        assert.equal(read(), before);
        assert.deepEqual(fs.readdirSync(folder), ["hosts"]);
      });
    }

    it(`makes a file that is not there in ${shell}, for all to read`, () => {
      run(shell, `umask 077; ${withNames(NAMES)}`);
      assert.equal(read(), BLOCK);
      assert.equal(fs.statSync(file).mode & 0o777, 0o644);
    });

    it(`leaves a file without it alone in ${shell}, also its time`, () => {
      write("127.0.0.1 localhost\n");
      fs.utimesSync(file, 1, 1);
      assert.equal(run(shell, "write_hosts; observe_hosts"), "");
      assert.equal(fs.statSync(file).mtimeMs, 1000);
    });

    it(`is written through links in ${shell}, with the mode of the file, and says that cloud-init writes it too`, () => {
      const real = path.join(folder, "real");
      fs.mkdirSync(real);
      fs.writeFileSync(path.join(real, "hosts"), "# manage_etc_hosts\n", { mode: 0o664 });
      fs.chmodSync(path.join(real, "hosts"), 0o664);
      fs.symlinkSync("real/hosts", file);
      assert.match(run(shell, withNames(NAMES)), /^cloud-init writes \/\S+ again at every boot/);
      assert.equal(fs.readlinkSync(file), "real/hosts");
      assert.equal(read(), `# manage_etc_hosts\n${BLOCK}`);
      assert.equal(fs.statSync(file).mode & 0o777, 0o664);
      assert.deepEqual(fs.readdirSync(real), ["hosts"]);
    });
  }
});
