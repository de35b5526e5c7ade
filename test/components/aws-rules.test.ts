/** What must hold for the AWS resources of an ec2 relay, whatever its config. */
import assert from "node:assert/strict";
import { ec2, ec2Stack } from "../support/ec2-stacks";
import { runMockedProgram, type Registration } from "../support/engine-mock";

const INSTANCE = "aws:ec2/instance:Instance";
const EIP = "aws:ec2/eip:Eip";
const ASSOCIATION = "aws:ec2/eipAssociation:EipAssociation";
const SECURITY_GROUP = "aws:ec2/securityGroup:SecurityGroup";
const SUBNET = "aws:ec2/subnet:Subnet";
const VPC = "aws:ec2/vpc:Vpc";
const GATEWAY = "aws:ec2/internetGateway:InternetGateway";
const ROUTES = "aws:ec2/routeTable:RouteTable";
const ROUTES_ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation";

interface Variant {
  title: string;
  /** Keys of `ec2`, of `network`, and of the relay. */
  fields?: Record<string, unknown>;
  network?: Record<string, unknown>;
  relay?: Record<string, unknown>;
  subnet?: "existing";
  admins?: string[];
  ports?: number[];
  protect?: boolean;
}

const variants: Variant[] = [
  { title: "with the defaults" },
  { title: "with protect", fields: { protect: true }, protect: true },
  {
    title: "with public SSH",
    fields: { adminCidrs: ["0.0.0.0/0"], allowPublicSsh: true },
    admins: ["0.0.0.0/0"],
  },
  { title: "with the highest listen port", network: { listenPort: 65535 }, ports: [65534, 65535] },
  {
    title: "that moves to another port and keeps the former one open",
    relay: { listenPort: 51999, rotationPort: 51820 },
    ports: [51820, 51999],
  },
  {
    title: "in an existing subnet",
    fields: { subnetId: "subnet-0123456789abcdef0" },
    subnet: "existing",
  },
  { title: "with its own tags", fields: { tags: { Name: "gate", Team: "network" } } },
  {
    title: "with another image and processor",
    fields: { image: "amazon-linux-2023", instanceType: "t3.micro" },
  },
];

for (const preview of [true, false]) {
  for (const variant of variants) {
    const { title, fields, network, relay, admins, ports, protect = false } = variant;

    describe(`an ec2 relay ${title}, in ${preview ? "a preview" : "an update"}`, () => {
      let registered: Registration[];
      before(async function () {
        this.timeout(60_000);
        const run = await runMockedProgram(ec2Stack(preview, fields, network, relay));
        registered = run.registered.filter(({ type }) => type.startsWith("aws:"));
      });

      const only = (type: string): Registration => {
        const [found, ...others] = registered.filter((one) => one.type === type);
        assert.ok(found && others.length === 0, `one ${type}`);
        return found;
      };

      it("has these resources and no others", () => {
        const ownVpc = [VPC, GATEWAY, ROUTES, ROUTES_ASSOCIATION, SUBNET];
        const types = [
          ...[INSTANCE, EIP, ASSOCIATION, SECURITY_GROUP],
          ...(variant.subnet === "existing" ? [] : ownVpc),
        ];
        assert.deepEqual(registered.map(({ type }) => type).sort(), types.sort());
      });

      it("gives a Name to each resource that can have tags", () => {
        for (const { type, name, inputs } of registered) {
          if (type === ASSOCIATION || type === ROUTES_ASSOCIATION) continue;
          const tags = inputs["tags"] as Record<string, unknown> | undefined;
          assert.match(String(tags?.["Name"]), /^(tokyo|gate)$/, name);
        }
      });

      it("opens WireGuard's ports to everyone, SSH to adminCidrs, and nothing else", () => {
        const from = admins ?? ec2.adminCidrs;
        const ssh = { description: "SSH", protocol: "tcp", fromPort: 22, toPort: 22 };
        const udp = (port: number) => ({
          ...{ description: "WireGuard", protocol: "udp", fromPort: port, toPort: port },
          ...{ cidrBlocks: ["0.0.0.0/0"], ipv6CidrBlocks: ["::/0"] },
        });
        assert.deepEqual(only(SECURITY_GROUP).inputs["ingress"], [
          ...(ports ?? [51820, 51821]).map(udp),
          {
            ...ssh,
            cidrBlocks: from.filter((cidr) => !cidr.includes(":")),
            ipv6CidrBlocks: from.filter((cidr) => cidr.includes(":")),
          },
        ]);
      });

      it("has a security group whose name does not begin with sg-, which AWS refuses", () => {
        const { inputs } = only(SECURITY_GROUP);
        assert.equal(inputs["namePrefix"], "wireguard-mesh-tokyo-");
        assert.equal(inputs["name"], undefined);
      });

      it("has an encrypted gp3 root volume that is deleted with the instance", () => {
        const disk = only(INSTANCE).inputs["rootBlockDevice"] as Record<string, unknown>;
        const { volumeType, encrypted, deleteOnTermination } = disk;
        assert.deepEqual([volumeType, encrypted, deleteOnTermination], ["gp3", true, true]);
      });

      it("requires IMDSv2, one hop away", () => {
        const options = only(INSTANCE).inputs["metadataOptions"] as Record<string, unknown>;
        assert.equal(options["httpTokens"], "required");
        assert.equal(options["httpPutResponseHopLimit"], 1);
      });

      it("has no IAM role and no EC2 key pair", () => {
        const { iamInstanceProfile, keyName } = only(INSTANCE).inputs;
        assert.deepEqual([iamInstanceProfile, keyName], [undefined, undefined]);
      });

      it("neither replaces nor restarts the instance for a newer image or other user data", () => {
        const { inputs, options } = only(INSTANCE);
        assert.deepEqual(options.ignoreChanges, ["ami", "userData", "associatePublicIpAddress"]);
        assert.equal(inputs["userDataReplaceOnChange"], false);
      });

      it("has a public address of its own when it is created, without a replacement of an older one", () => {
        const instance = only(INSTANCE).inputs["associatePublicIpAddress"];
        if (variant.subnet === "existing") assert.equal(instance, true);
        else
          assert.deepEqual(
            [instance, only(SUBNET).inputs["mapPublicIpOnLaunch"]],
            [undefined, true],
          );
      });

      it("keeps the source/destination check on", () => {
        assert.equal(only(INSTANCE).inputs["sourceDestCheck"], true);
      });

      it("has an address of its own, which a new instance can take over", () => {
        assert.equal(only(EIP).inputs["instance"], undefined);
        assert.equal(only(ASSOCIATION).inputs["allowReassociation"], true);
      });

      it(`${protect ? "protects" : "does not protect"} the instance and its address`, () => {
        assert.equal(only(INSTANCE).inputs["disableApiTermination"], protect);
        assert.deepEqual(
          [INSTANCE, EIP].map((type) => only(type).options.protect),
          [protect, protect],
        );
      });

      if (variant.subnet !== "existing")
        it("has a subnet with IPv6", () => {
          const { ipv6CidrBlock, assignIpv6AddressOnCreation } = only(SUBNET).inputs;
          assert.equal(ipv6CidrBlock, "2600:1f14:abc:de00::/64");
          assert.equal(assignIpv6AddressOnCreation, true);
        });
    });
  }
}
