/** The account: everything that exists in the lab's "cloud", in a file of the lab, so that it ends with it. */
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { Lab } from "../lab";
import { stackName } from "../repository";
import { stateFolder } from "../state";
import type { PlainProperties } from "./plain";

export interface Thing {
  /** Its kind: `aws:ec2/vpc:Vpc`. */
  type: string;
  id: string;
  /** All that AWS would say of it. */
  properties: PlainProperties;
}

interface Content {
  version: 1;
  things: Record<string, Thing>;
  /** How often newer machine images have been published. */
  imagesPublished: number;
}

/** What AWS would answer when it will not do a thing; the message begins with AWS's own code. */
export class AwsError extends Error {}

export class Account {
  private constructor(private readonly file: string) {}

  static of(labId: string): Account {
    return new Account(path.join(stateFolder(labId).root, "aws.json"));
  }

  static newId(prefix: string): string {
    return `${prefix}-0${randomBytes(8).toString("hex")}`;
  }

  get(id: string): Thing | undefined {
    return this.read().things[id];
  }

  /** @throws AwsError when there is no such thing of that kind. */
  need(type: string, id: string): Thing {
    const thing = this.get(id);
    if (thing?.type === type) return thing;
    const kind = type.split(":").at(-1) ?? type;
    throw new AwsError(`Invalid${kind}ID.NotFound: The ${kind} ID '${id}' does not exist`);
  }

  all(type: string): Thing[] {
    return Object.values(this.read().things).filter((thing) => thing.type === type);
  }

  put(thing: Thing): void {
    this.write((content) => {
      content.things[thing.id] = thing;
    });
  }

  change(id: string, properties: PlainProperties): void {
    this.write((content) => {
      const thing = content.things[id];
      if (thing !== undefined) thing.properties = { ...thing.properties, ...properties };
    });
  }

  remove(id: string): void {
    this.write((content) => {
      content.things = Object.fromEntries(
        Object.entries(content.things).filter(([key]) => key !== id),
      );
    });
  }

  get imagesPublished(): number {
    return this.read().imagesPublished;
  }

  /** From now on every lookup finds newer images. */
  publishImages(): void {
    this.write((content) => {
      content.imagesPublished += 1;
    });
  }

  private read(): Content {
    if (!fs.existsSync(this.file)) return { version: 1, things: {}, imagesPublished: 0 };
    return JSON.parse(fs.readFileSync(this.file, "utf8")) as Content;
  }

  /** Whole or not at all; never while another operation of this process reads, since nothing here waits. */
  private write(change: (content: Content) => void): void {
    const content = this.read();
    change(content);
    const beside = `${this.file}.new`;
    fs.writeFileSync(beside, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
    fs.renameSync(beside, this.file);
  }
}

/** The lab that a stack belongs to. @throws LabError when it is not up. */
export function labOf(urn: string): Lab {
  const stack = urn.split("::")[0]?.split(":")[2] ?? "";
  const prefix = stackName("");
  return Lab.open(stack.startsWith(prefix) ? stack.slice(prefix.length) : stack);
}
