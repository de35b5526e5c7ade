/** A TCP connection that echoes numbered lines: if it is broken or filtered, the lines stop. */
import * as assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { poll } from "../../../scripts/poll";
import type { Lab } from "../../../scripts/lab/lab";

/** In Perl, which every Debian has. Arguments: the port. */
const SERVER = `use IO::Socket::INET; $| = 1;
$server = IO::Socket::INET->new(Listen => 1, LocalPort => $ARGV[0], ReuseAddr => 1) or die $!;
print "listening\\n";
$client = $server->accept;
syswrite($client, $text) while sysread($client, $text, 65536);`;

/** Arguments: address, port, and seconds between two lines. */
const CLIENT = `use IO::Socket::INET; use IO::Select; $| = 1;
$server = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => $ARGV[1]) or die $!;
$select = IO::Select->new($server);
while (1) {
  syswrite($server, ++$sent . "\\n");
  select(undef, undef, undef, $ARGV[2]);
  next unless $select->can_read(0);
  sysread($server, $text, 65536) or last;
  print $text;
}
print "closed\\n";`;

export class TcpStream {
  private printed = "";

  private constructor(private readonly processes: ChildProcess[]) {}

  /**
   * Connects one host of the lab to an echo server that is started on another; sends a line every
   * `pauseMs`.
   */
  static async open(
    lab: Lab,
    from: string,
    to: string,
    address: string,
    port: number,
    pauseMs = 10,
  ) {
    const perl = (host: string, script: string, ...args: string[]) => {
      const child = lab.spawn(host, ["perl", "-e", script, ...args], { stdio: "pipe" });
      child.stdout?.setEncoding("utf8");
      return child;
    };
    const server = perl(to, SERVER, String(port));
    await new Promise((resolve) => server.stdout?.once("data", resolve));
    const client = perl(from, CLIENT, address, String(port), String(pauseMs / 1000));
    const stream = new TcpStream([client, server]);
    client.stdout?.on("data", (text: string) => (stream.printed += text));
    await stream.goesOn();
    return stream;
  }

  /** Waits until 20 more lines have come back. Fails if the connection has ended. */
  async goesOn(): Promise<void> {
    const lines = () => this.printed.split("\n").length;
    const until = lines() + 20;
    await poll(() => (lines() >= until || this.hasEnded() ? true : undefined), {
      limitMs: 30_000,
      pauseMs: 10,
    });
    assert.ok(lines() >= until && !this.hasEnded(), this.printed.slice(-200));
  }

  /** Ends the connection, and asserts that every line came back once and in order. */
  close(): void {
    const lines = this.printed.split("\n").slice(0, -1);
    for (const child of this.processes) child.kill();
    assert.deepEqual(
      lines,
      lines.map((_, at) => String(at + 1)),
    );
  }

  private hasEnded(): boolean {
    return /^closed/m.test(this.printed);
  }
}
