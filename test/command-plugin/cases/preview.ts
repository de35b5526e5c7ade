/** Create and update in a preview: nothing runs (each command here would leave a file), and what is known is told. */
import { type Case, output, secret, unknown, unknownSecret } from "./case";

const touch = "touch side-effect";
const outputs = { stdout: "out", stderr: "err" };
const nothing = { stdout: unknown, stderr: unknown };

export const previewCases: Case[] = [
  {
    title: "a create runs nothing and leaves its output unknown",
    ask: { create: { create: touch }, preview: true },
    answer: { properties: { create: touch, ...nothing } },
  },
  {
    title: "so does one without a command",
    ask: { create: { delete: touch }, preview: true },
    answer: { properties: { delete: touch, ...nothing } },
  },
  {
    title: "a create echoes its inputs with their marks",
    ask: {
      create: {
        create: touch,
        stdin: secret("s"),
        environment: { A: "b", C: unknown },
        triggers: ["x", secret("y"), output({ value: "z" })],
      },
      preview: true,
    },
    answer: {
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
    title: "a create echoes what is unknown",
    ask: { create: { create: unknown, stdin: secret(unknown), triggers: unknown }, preview: true },
    answer: {
      properties: { create: unknown, stdin: unknownSecret, triggers: unknown, ...nothing },
    },
  },
  {
    title: "an update runs nothing and leaves its output unknown",
    ask: { update: { create: touch }, olds: { create: "other", ...outputs }, preview: true },
    answer: { properties: { create: touch, ...nothing } },
  },
  {
    title: "so does one of what runs later, or of nothing that runs",
    ask: {
      update: { create: touch, delete: "b", logging: "none" },
      olds: { create: touch, delete: "a", logging: "stdout", ...outputs },
      preview: true,
    },
    answer: { properties: { create: touch, delete: "b", logging: "none", ...nothing } },
  },
  {
    title: "so does one that takes an input away",
    ask: {
      update: { create: touch },
      olds: { create: touch, update: "u", ...outputs },
      preview: true,
    },
    answer: { properties: { create: touch, ...nothing } },
  },
  {
    title: "an update that only adds an input keeps the old output in view",
    ask: {
      update: { create: touch, update: touch },
      olds: { create: touch, ...outputs },
      preview: true,
    },
    answer: { properties: { create: touch, update: touch, ...outputs } },
  },
  {
    title: "an update with an unknown input leaves its output unknown",
    ask: {
      update: { create: touch, stdin: unknown },
      olds: { create: touch, ...outputs },
      preview: true,
    },
    answer: { properties: { create: touch, stdin: unknown, ...nothing } },
  },
  {
    title: "a changed secret counts as a change, and so does one that is no secret any more",
    ask: {
      update: { create: touch, stdin: "s" },
      olds: { create: touch, stdin: secret("s"), ...outputs },
      preview: true,
    },
    answer: { properties: { create: touch, stdin: "s", ...nothing } },
  },
  {
    title: "an update without a change keeps the old output in view, no longer secret",
    ask: {
      update: { create: touch, environment: { A: secret("b") } },
      olds: {
        create: touch,
        environment: { A: secret("b") },
        stdout: secret("out"),
        stderr: "err",
      },
      preview: true,
    },
    answer: { properties: { create: touch, environment: { A: secret("b") }, ...outputs } },
  },
];
