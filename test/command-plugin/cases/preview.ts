/** Create and update in a preview: no command runs (each would create a file); known values are returned. */
import { type Case, output, secret, unknown, unknownSecret } from "./case";

const touch = "touch side-effect";
const outputs = { stdout: "out", stderr: "err" };
const nothing = { stdout: unknown, stderr: unknown };

export const previewCases: Case[] = [
  {
    title: "a create runs nothing and leaves its output unknown",
    call: { create: { create: touch }, preview: true },
    result: { properties: { create: touch, ...nothing } },
  },
  {
    title: "a create without a command leaves its output unknown, too",
    call: { create: { delete: touch }, preview: true },
    result: { properties: { delete: touch, ...nothing } },
  },
  {
    title: "a create returns its inputs with secrets and unknowns",
    call: {
      create: {
        create: touch,
        stdin: secret("s"),
        environment: { A: "b", C: unknown },
        triggers: ["x", secret("y"), output({ value: "z" })],
      },
      preview: true,
    },
    result: {
      properties: {
        create: touch,
        stdin: secret("s"),
        environment: { A: "b", C: unknown },
        triggers: ["x", secret("y"), "z"],
        ...nothing,
      },
    },
  },
  {
    title: "a create returns unknown inputs",
    call: { create: { create: unknown, stdin: secret(unknown), triggers: unknown }, preview: true },
    result: {
      properties: { create: unknown, stdin: unknownSecret, triggers: unknown, ...nothing },
    },
  },
  {
    title: "an update runs nothing and leaves its output unknown",
    call: { update: { create: touch }, olds: { create: "other", ...outputs }, preview: true },
    result: { properties: { create: touch, ...nothing } },
  },
  {
    title: "an update of delete and logging leaves its output unknown",
    call: {
      update: { create: touch, delete: "b", logging: "none" },
      olds: { create: touch, delete: "a", logging: "stdout", ...outputs },
      preview: true,
    },
    result: { properties: { create: touch, delete: "b", logging: "none", ...nothing } },
  },
  {
    title: "an update that removes an input leaves its output unknown",
    call: {
      update: { create: touch },
      olds: { create: touch, update: "u", ...outputs },
      preview: true,
    },
    result: { properties: { create: touch, ...nothing } },
  },
  {
    title: "an update that only adds an input returns the old output",
    call: {
      update: { create: touch, update: touch },
      olds: { create: touch, ...outputs },
      preview: true,
    },
    result: { properties: { create: touch, update: touch, ...outputs } },
  },
  {
    title: "an update with an unknown input leaves its output unknown",
    call: {
      update: { create: touch, stdin: unknown },
      olds: { create: touch, ...outputs },
      preview: true,
    },
    result: { properties: { create: touch, stdin: unknown, ...nothing } },
  },
  {
    title: "an input that is no longer secret is a change",
    call: {
      update: { create: touch, stdin: "s" },
      olds: { create: touch, stdin: secret("s"), ...outputs },
      preview: true,
    },
    result: { properties: { create: touch, stdin: "s", ...nothing } },
  },
  {
    title: "an update without a change returns the old output, no longer secret",
    call: {
      update: { create: touch, environment: { A: secret("b") } },
      olds: {
        create: touch,
        environment: { A: secret("b") },
        stdout: secret("out"),
        stderr: "err",
      },
      preview: true,
    },
    result: { properties: { create: touch, environment: { A: secret("b") }, ...outputs } },
  },
];
