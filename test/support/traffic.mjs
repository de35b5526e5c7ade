/**
 * Traffic between network namespaces. `traffic.mjs serve` answers on some ports; `traffic.mjs try CASES` tries `[protocol,
 * address, port]` each and prints a list of answered or not; `traffic.mjs keep ADDRESS PORTS COMMAND` keeps a TCP connection to
 * each port open while it runs the command, and prints which of them still answer.
 */
import { execSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { createServer, connect } from "node:net";
import { setTimeout } from "node:timers";

const [task, ...args] = process.argv.slice(2);
const LIMIT_MS = 2000;

if (task === "serve") serve();
else if (task === "try") print(await Promise.all(JSON.parse(args[0]).map(answers)));
else print(await keep(args[0], JSON.parse(args[1]), args[2]));

function serve() {
  for (const port of [22, 80, 443, 8000, 8050, 8100, 8101])
    createServer((socket) => socket.on("error", () => undefined).pipe(socket))
      // A host of the lab has its sshd at 22, which answers too.
      .on("error", () => undefined)
      .listen(port, "::");
  for (const port of [53, 443]) {
    const socket = createSocket({ type: "udp6" });
    socket.on("message", (data, from) => socket.send(data, from.port, from.address));
    socket.bind(port, "::", () => port === 443 && process.stdout.write("ready\n"));
  }
}

function print(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
  process.exit(0);
}

function answers([protocol, address, port]) {
  return protocol === "tcp" ? answersTcp(connect(port, address)) : answersUdp(address, port);
}

function answersTcp(socket) {
  return new Promise((resolve) => {
    socket.once("data", () => resolve(true)).once("error", () => resolve(false));
    socket.write("x");
    setTimeout(() => resolve(false), LIMIT_MS);
  });
}

function answersUdp(address, port) {
  return new Promise((resolve) => {
    const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
    socket.once("message", () => resolve(true)).once("error", () => resolve(false));
    socket.send("x", port, address);
    setTimeout(() => resolve(false), LIMIT_MS);
  });
}

async function keep(address, ports, command) {
  const sockets = ports.map((port) => connect(port, address));
  const before = await Promise.all(sockets.map(answersTcp));
  execSync(command);
  return [before, await Promise.all(sockets.map(answersTcp))];
}
