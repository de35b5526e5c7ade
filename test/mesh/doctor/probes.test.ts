import assert from "node:assert/strict";
import { mergedProbes, parseProbes, probeCalls } from "../../../mesh/doctor/probes";

describe("the probes of a host", () => {
  it("are calls of the script, sixteen pings at a time", () => {
    const probes = Array.from({ length: 17 }, (_, at) => ({
      address: `10.0.0.${at}`,
      size: 1392,
      timeoutS: 18,
    }));
    const lines = probeCalls(probes).split("\n");
    assert.deepEqual(lines.slice(15, 18), [
      "probe 10.0.0.15 1392 18 1 &",
      "wait",
      "probe 10.0.0.16 1392 18 1 &",
    ]);
    assert.deepEqual(lines.slice(18), ["disk", "wait", "exit 0", ""]);
  });

  it("ping addresses only: no other text reaches the shell", () => {
    assert.throws(() => probeCalls([{ address: "$(id)", size: 0, timeoutS: 2 }]), /not an address/);
    assert.equal(
      probeCalls([{ address: "10.0.0.1", size: -5.5, timeoutS: 2, isTimed: true }]).split("\n")[0],
      "probe 10.0.0.1 0 2 3 &",
    );
  });
});

describe("the output of a host's probes", () => {
  it("is parsed line by line, without malformed lines", () => {
    const { pings, sizes } = parseProbes(
      [
        ...["ping 10.0.0.1 0.42", "ping fd00::0001 lost", "size 10.0.0.1 1292"],
        ...["ping nonsense 1", "size 10.0.0.2 many", "ping", "\u001b[31mping 10.0.0.9 1", ""],
      ].join("\n"),
    );
    assert.deepEqual(
      [...pings],
      [
        ["10.0.0.1", 0.42],
        ["fd00::1", null],
      ],
    );
    assert.deepEqual([...sizes], [["10.0.0.1", 1292]]);
  });

  it("lists each full directory once, and no file system without an inode limit", () => {
    const lines = [
      ...["disk / 1023", "disk / 1023", "disk /var 1024", "inodes / 100 1"],
      ...["inodes /var 5000 0", "inodes /run 0 0", "inodes /boot - -", "readonly /etc"],
    ];
    assert.deepEqual(parseProbes(lines.join("\n")).full, [
      { place: "/etc", why: "read-only" },
      { place: "/", why: "space" },
      { place: "/var", why: "inodes" },
    ]);
  });

  it("is completed by a second round, which wins", () => {
    const first = parseProbes("ping 10.0.0.1 lost\nping 10.0.0.2 4\nsize 10.0.0.2 1392");
    const second = parseProbes("ping 10.0.0.1 7");
    const merged = mergedProbes(first, second);
    assert.deepEqual(
      [...(merged?.pings ?? [])],
      [
        ["10.0.0.1", 7],
        ["10.0.0.2", 4],
      ],
    );
    assert.deepEqual([...(merged?.sizes ?? [])], [["10.0.0.2", 1392]]);
    assert.equal(mergedProbes(null, second), second);
    assert.equal(mergedProbes(first, null), first);
  });
});
