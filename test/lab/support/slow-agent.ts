/** An SSH agent that delays each signature, like one that waits for a touch or a confirmation. */
import * as net from "node:net";

/** SSH_AGENTC_SIGN_REQUEST (draft-ietf-sshm-ssh-agent, 3.6). */
const SIGN_REQUEST = 13;

export interface SlowAgent {
  /** The number of signature requests. */
  asked: number;
  close(): void;
}

/** Listens at the socket `path` and forwards all messages to the agent at `real`, signature requests after `delayMs`. */
export async function startSlowAgent(
  path: string,
  real: string,
  delayMs: number,
): Promise<SlowAgent> {
  const agent: SlowAgent = { asked: 0, close: () => server.close() };
  const server = net.createServer((client) => {
    const upstream = net.connect(real);
    upstream.pipe(client);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
    }
    let received = Buffer.alloc(0);
    client.on("data", (part) => {
      received = Buffer.concat([received, part]);
      // ssh waits for the answer to each message: its length in four bytes, which may be split, then its type.
      if (received.length < 4 || received.length < 4 + received.readUInt32BE()) return;
      const message = received;
      received = Buffer.alloc(0);
      const isSigning = message[4] === SIGN_REQUEST;
      if (isSigning) agent.asked += 1;
      setTimeout(() => upstream.write(message), isSigning ? delayMs : 0);
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return agent;
}
