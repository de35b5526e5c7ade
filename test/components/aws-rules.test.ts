/** Every rule about a relay's AWS resources: the program keeps it, and a program that broke it would be stopped by its name. */
import assert from "node:assert/strict";
import { brokenRules, rules, type Registered } from "../../components/aws-rules";
import { parsePrefix } from "../../mesh/addresses";
import type { Ec2Spec } from "../../mesh/config/ec2";
import { ec2Spec, ec2Stack } from "../support/ec2-stacks";
import { runProgram, type Registration } from "../support/engine-mock";

const context = { relay: "tokyo", ec2: ec2Spec, ports: [51820, 51821] };

/** Options are not what mocks record. */
const options = { ignoreChanges: ["ami", "userData"] };

type Edit = Record<string, unknown>;

/** By rule: the type of the resource, and an edit of its inputs, name or options that breaks just this rule. */
const breaches: Record<string, [type: string, edit: Edit, other?: Partial<Registered>][]> = {
  "known-resources": [["Eip", {}, { type: "aws:iam/role:Role" }]],
  named: [
    ["Instance", { tags: { Name: "" } }],
    ["Vpc", { tags: undefined }],
  ],
  "listen-ports-open": [
    ["SecurityGroup", { ingress: (own: Edit[]) => own.slice(1) }],
    [
      "SecurityGroup",
      { ingress: (own: Edit[]) => own.map((one) => without(one, "udp", { ipv6CidrBlocks: [] })) },
    ],
    [
      "SecurityGroup",
      {
        ingress: (own: Edit[]) =>
          own.map((one) => without(one, "udp", { cidrBlocks: ["10.0.0.0/8"] })),
      },
    ],
  ],
  "ssh-for-admins-only": [
    [
      "SecurityGroup",
      {
        ingress: (own: Edit[]) =>
          own.map((one) => without(one, "tcp", { cidrBlocks: ["0.0.0.0/0"] })),
      },
    ],
    ["SecurityGroup", { ingress: (own: Edit[]) => own.slice(0, 2) }],
  ],
  "nothing-else-open": [
    [
      "SecurityGroup",
      {
        ingress: (own: Edit[]) => [
          ...own,
          { protocol: "tcp", fromPort: 80, toPort: 80, cidrBlocks: ["0.0.0.0/0"] },
        ],
      },
    ],
    [
      "SecurityGroup",
      {
        ingress: (own: Edit[]) => [...own, { protocol: "-1", fromPort: 0, toPort: 0, self: true }],
      },
    ],
  ],
  "security-group-name": [
    ["SecurityGroup", { namePrefix: "sg-relay" }],
    ["SecurityGroup", { namePrefix: undefined }, { name: "sg-firewall" }],
  ],
  "disk-encrypted": [
    [
      "Instance",
      { rootBlockDevice: { volumeType: "gp3", encrypted: false, deleteOnTermination: true } },
    ],
    [
      "Instance",
      { rootBlockDevice: { volumeType: "gp2", encrypted: true, deleteOnTermination: true } },
    ],
    ["Instance", { rootBlockDevice: undefined }],
  ],
  "imdsv2-required": [
    ["Instance", { metadataOptions: { httpTokens: "optional", httpPutResponseHopLimit: 1 } }],
    ["Instance", { metadataOptions: { httpTokens: "required", httpPutResponseHopLimit: 2 } }],
  ],
  "no-role": [
    ["Instance", { iamInstanceProfile: "admin" }],
    ["Instance", { keyName: "me" }],
  ],
  "image-ignored-once-created": [["Instance", {}, { opts: { ignoreChanges: ["userData"] } }]],
  "user-data-replaces-nothing": [
    ["Instance", { userDataReplaceOnChange: true }],
    ["Instance", {}, { opts: { ignoreChanges: ["ami"] } }],
  ],
  "source-check": [["Instance", { sourceDestCheck: false }]],
  "address-kept": [
    ["Eip", { instance: "i-1" }],
    ["EipAssociation", { allowReassociation: undefined }],
  ],
  "dual-stack": [
    ["Subnet", { assignIpv6AddressOnCreation: false }],
    ["Subnet", { ipv6CidrBlock: undefined }],
  ],
};

for (const preview of [true, false]) {
  describe(`the rules for AWS in ${preview ? "a preview" : "an update"}`, () => {
    let registered: Registration[];
    before(async function () {
      this.timeout(60_000);
      const run = await runProgram(ec2Stack(preview));
      registered = run.registered.filter(({ type }) => type.startsWith("aws:"));
    });

    const resourceOf = (type: string): Registered => {
      const found = registered.find((one) => one.type.endsWith(`:${type}`));
      assert.ok(found, `no ${type} was registered`);
      return { type: found.type, name: found.name, props: found.inputs, opts: options };
    };

    it("hold for all that is registered", () => {
      for (const { type, name, inputs: props } of registered)
        assert.deepEqual(brokenRules({ type, name, props, opts: options }, context), [], name);
    });

    for (const [rule, cases] of Object.entries(breaches)) {
      it(`${rule} is broken by each edit that it forbids`, () => {
        for (const [type, edit, other] of cases) {
          const resource = { ...resourceOf(type), ...other };
          const broken = brokenRules({ ...resource, props: edited(resource.props, edit) }, context);
          assert.ok(
            broken.some(({ name }) => name === rule),
            `${JSON.stringify(edit)} passes`,
          );
        }
      });
    }

    it("protected is broken by an instance or an address that can be deleted", () => {
      const kept = { ...context, ec2: { ...ec2Spec, protect: true } };
      const names = (resource: Registered) => brokenRules(resource, kept).map(({ name }) => name);
      const opts = { ...options, protect: true };
      assert.deepEqual(names(resourceOf("Eip")), ["protected"]);
      assert.deepEqual(names({ ...resourceOf("Eip"), opts }), []);
      const instance = { ...resourceOf("Instance"), opts };
      assert.deepEqual(names(instance), ["protected"]);
      const props = { ...instance.props, disableApiTermination: true };
      assert.deepEqual(names({ ...instance, props }), []);
    });

    it("ssh-for-admins-only is broken by public admins, unless that is allowed", () => {
      const everyone = { ...ec2Spec, adminCidrs: [parsePrefix("0.0.0.0/0")] };
      const firewall = resourceOf("SecurityGroup");
      const open = (own: Edit[]) =>
        own.map((one) => without(one, "tcp", { cidrBlocks: ["0.0.0.0/0"], ipv6CidrBlocks: [] }));
      const props = edited(firewall.props, { ingress: open });
      const names = (ec2: Ec2Spec) =>
        brokenRules({ ...firewall, props }, { ...context, ec2 }).map(({ name }) => name);
      assert.deepEqual(names(everyone), ["ssh-for-admins-only"]);
      assert.deepEqual(names({ ...everyone, allowPublicSsh: true }), []);
    });
  });
}

describe("the rules for AWS", () => {
  it("are each broken by a case above", () => {
    const tried = [...Object.keys(breaches), "protected"];
    assert.deepEqual(rules.map(({ name }) => name).sort(), tried.sort());
  });
});

function edited(props: Edit, edit: Edit): Edit {
  const changes = Object.entries(edit).map(([key, value]): [string, unknown] => [
    key,
    typeof value === "function" ? (value as (own: unknown) => unknown)(props[key]) : value,
  ]);
  return { ...props, ...Object.fromEntries(changes) };
}

/** The entry with other sources, where it is of this protocol. */
function without(entry: Edit, protocol: string, sources: Edit): Edit {
  return entry["protocol"] === protocol ? { ...entry, ...sources } : entry;
}
