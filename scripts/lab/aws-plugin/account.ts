/** The lab's AWS account: all resources, in a file in the lab's folder, so that they are removed with the lab. */
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { Lab } from "../lab";
import { stackName } from "../repository";
import { stateFolder } from "../state";
import type { PlainProperties } from "./plain";

export interface CloudResource {
  /** The type token, such as `aws:ec2/vpc:Vpc`. */
  type: string;
  id: string;
  /** All properties, as AWS would return them. */
  properties: PlainProperties;
}

interface Content {
  version: 1;
  resources: Record<string, CloudResource>;
  /** How often newer machine images have been published. */
  imagesPublished: number;
}

/** An error response of AWS; the message begins with AWS's error code. */
export class AwsError extends Error {}

export class Account {
  private constructor(private readonly file: string) {}

  static of(labId: string): Account {
    return new Account(path.join(stateFolder(labId).root, "aws.json"));
  }

  static newId(prefix: string): string {
    return `${prefix}-0${randomBytes(8).toString("hex")}`;
  }

  get(id: string): CloudResource | undefined {
    return this.read().resources[id];
  }

  /** @throws AwsError when there is no resource with this type and id. */
  require(type: string, id: string): CloudResource {
    const resource = this.get(id);
    if (resource?.type === type) return resource;
    const kind = type.split(":").at(-1) ?? type;
    throw new AwsError(`Invalid${kind}ID.NotFound: The ${kind} ID '${id}' does not exist`);
  }

  all(type: string): CloudResource[] {
    return Object.values(this.read().resources).filter((resource) => resource.type === type);
  }

  put(resource: CloudResource): void {
    this.write((content) => {
      content.resources[resource.id] = resource;
    });
  }

  change(id: string, properties: PlainProperties): void {
    this.write((content) => {
      const resource = content.resources[id];
      if (resource !== undefined) resource.properties = { ...resource.properties, ...properties };
    });
  }

  remove(id: string): void {
    this.write((content) => {
      content.resources = Object.fromEntries(
        Object.entries(content.resources).filter(([key]) => key !== id),
      );
    });
  }

  get imagesPublished(): number {
    return this.read().imagesPublished;
  }

  /** Makes every later lookup return newer images. */
  publishImages(): void {
    this.write((content) => {
      content.imagesPublished += 1;
    });
  }

  private read(): Content {
    if (!fs.existsSync(this.file)) return { version: 1, resources: {}, imagesPublished: 0 };
    return JSON.parse(fs.readFileSync(this.file, "utf8")) as Content;
  }

  /** Atomic. Reads and writes are synchronous, so operations of this process do not interleave. */
  private write(change: (content: Content) => void): void {
    const content = this.read();
    change(content);
    const temporary = `${this.file}.new`;
    fs.writeFileSync(temporary, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
    fs.renameSync(temporary, this.file);
  }
}

/** The lab of the stack in a URN. @throws LabError when it is not up. */
export function labOf(urn: string): Lab {
  const stack = urn.split("::")[0]?.split(":")[2] ?? "";
  const prefix = stackName("");
  return Lab.open(stack.startsWith(prefix) ? stack.slice(prefix.length) : stack);
}
