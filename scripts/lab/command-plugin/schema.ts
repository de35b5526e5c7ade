/** The stand-in's Pulumi package schema. */

export const version = "1.2.1";
export const token = "command:local:Command";

const string = { type: "string" };
const strings = { type: "array", items: string };

const inputProperties = {
  addPreviousOutputInEnv: { type: "boolean" },
  archivePaths: strings,
  assetPaths: strings,
  create: string,
  delete: string,
  dir: string,
  environment: { type: "object", additionalProperties: string },
  interpreter: strings,
  logging: { $ref: "#/types/command:local:Logging" },
  stdin: string,
  triggers: { type: "array", items: { $ref: "pulumi.json#/Any" }, replaceOnChanges: true },
  update: string,
};

export const schema = {
  name: "command",
  version,
  types: {
    "command:local:Logging": {
      type: "string",
      enum: [
        { name: "stdout", value: "stdout" },
        { name: "stderr", value: "stderr" },
        { name: "stdoutAndStderr", value: "stdoutAndStderr" },
        { name: "none", value: "none" },
      ],
    },
  },
  resources: {
    [token]: {
      inputProperties,
      properties: {
        ...inputProperties,
        archive: { $ref: "pulumi.json#/Archive" },
        assets: { type: "object", additionalProperties: { $ref: "pulumi.json#/Asset" } },
        stderr: string,
        stdout: string,
      },
      required: ["stdout", "stderr"],
    },
  },
};
