/** Keeps one connection to each host for several queries. */
import type { NodePlan } from "../../mesh/plan/plan";
import type { Secret } from "../../mesh/secret";
import { withConnection, type ConnectedHost } from "../push/observe-host";
import { PushError } from "../push/push-error";
import type { SshContext } from "../push/ssh-context";
import {
  queryEach,
  sshContextFor,
  statusQuestions,
  unreachedAnswer,
  type HostAnswer,
  type HostAnswers,
} from "./query-hosts";
import { hostAccess, type Access } from "./host-access";

export class ConnectedHosts {
  private readonly hosts = new Map<string, ConnectedHost>();
  private readonly ended = Promise.withResolvers<undefined>();
  private readonly logins: Promise<void>[] = [];
  private readonly context: SshContext;

  constructor(private readonly access: Access) {
    this.context = sshContextFor(access);
  }

  /** Like queryHosts, but keeps the connections until `end`. */
  query(nodes: readonly NodePlan[], presharedKeySeed: Secret | null): Promise<HostAnswers> {
    return queryEach(nodes, (node) => this.logIn(node, presharedKeySeed));
  }

  /** Queries the named hosts again, in parallel. Hosts whose connection has ended are left out. */
  async queryAgain<T>(
    names: Iterable<string>,
    question: (host: ConnectedHost, name: string) => Promise<T>,
  ): Promise<Map<string, T>> {
    const answers = new Map<string, T>();
    const ask = async (name: string): Promise<void> => {
      const host = this.hosts.get(name);
      if (host === undefined) return;
      try {
        answers.set(name, await question(host, name));
      } catch (error) {
        if (!(error instanceof PushError)) throw error;
      }
    };
    await Promise.all([...names].map(ask));
    return answers;
  }

  async end(): Promise<void> {
    this.ended.resolve(undefined);
    await Promise.all(this.logins);
    await this.context.cleanUp();
  }

  private logIn(node: NodePlan, seed: Secret | null): Promise<HostAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<HostAnswer>();
    const login = withConnection(
      hostAccess(node, this.access),
      async (host) => {
        const observed = await host.observe(statusQuestions(node, this.access, seed));
        this.hosts.set(node.name, host);
        const { through } = host;
        resolve({ reachable: true, through, observed, queriedAt: Date.now() / 1000 });
        await this.ended.promise;
      },
      this.context,
    );
    this.logins.push(
      login.catch((error: unknown) => {
        if (error instanceof PushError) resolve(unreachedAnswer(node, error));
        else reject(error);
      }),
    );
    return promise;
  }
}
