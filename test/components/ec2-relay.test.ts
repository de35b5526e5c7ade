/** An ec2 relay: its AWS resources, and its facts in push requests, configs and outputs. */
import assert from "node:assert/strict";
import { isMap } from "../../mesh/config/shape-issues";
import { ADDRESS, AUTHORITY_SEED, ec2Stack, FIRST_ADDRESS, LOGIN_KEY } from "../support/ec2-stacks";
import {
  withoutSecrets,
  isSecret,
  resolved,
  runMockedProgram,
  type Run,
} from "../support/engine-mock";
import { keyPair } from "../support/key-pairs";
import { leaksIn } from "../support/secret-forms";

const INSTANCE = "tokyo-debian-12-arm64-1";

for (const preview of [true, false]) {
  describe(`an ec2 relay in ${preview ? "a preview" : "an update"}`, () => {
    let run: Run;
    before(async function () {
      this.timeout(60_000);
      run = await runMockedProgram(ec2Stack(preview));
    });

    it("has a VPC with a dual-stack subnet, a security group, an address and an instance", () => {
      assert.deepEqual(awsNames(run), {
        "aws:ec2/eip:Eip": "tokyo-address",
        "aws:ec2/eipAssociation:EipAssociation": "tokyo-address-association",
        "aws:ec2/instance:Instance": INSTANCE,
        "aws:ec2/internetGateway:InternetGateway": "tokyo-gateway",
        "aws:ec2/routeTable:RouteTable": "tokyo-routes",
        "aws:ec2/routeTableAssociation:RouteTableAssociation": "tokyo-routes-association",
        "aws:ec2/securityGroup:SecurityGroup": "tokyo-firewall",
        "aws:ec2/subnet:Subnet": "tokyo-subnet",
        "aws:ec2/vpc:Vpc": "tokyo-vpc",
      });
      const { tags, ...subnet } = inputsOf(run, "tokyo-subnet");
      assert.deepEqual(tags, { Name: "tokyo", "wireguard-mesh": "wireguard-mesh/dev" });
      assert.deepEqual(subnet, {
        vpcId: "tokyo-vpc-id",
        cidrBlock: "172.29.86.0/24",
        ipv6CidrBlock: "2600:1f14:abc:de00::/64",
        assignIpv6AddressOnCreation: true,
        mapPublicIpOnLaunch: true,
      });
    });

    it("opens WireGuard's ports to everyone, and SSH only to adminCidrs", () => {
      const anywhere = { cidrBlocks: ["0.0.0.0/0"], ipv6CidrBlocks: ["::/0"] };
      const udp = (port: number) => ({
        description: "WireGuard",
        protocol: "udp",
        fromPort: port,
        toPort: port,
        ...anywhere,
      });
      assert.deepEqual(inputsOf(run, "tokyo-firewall")["ingress"], [
        udp(51820),
        udp(51821),
        {
          description: "SSH",
          protocol: "tcp",
          fromPort: 22,
          toPort: 22,
          cidrBlocks: ["198.51.100.7/32"],
          ipv6CidrBlocks: ["2001:db8:7::/48"],
        },
      ]);
    });

    it("has an instance with the newest Debian image for its processor", () => {
      const { userData, ...instance } = inputsOf(run, INSTANCE);
      assert.ok(isSecret(userData));
      assert.deepEqual(instance, {
        ami: "ami-1",
        instanceType: "t4g.nano",
        subnetId: "tokyo-subnet-id",
        vpcSecurityGroupIds: ["tokyo-firewall-id"],
        userDataReplaceOnChange: false,
        metadataOptions: {
          httpEndpoint: "enabled",
          httpTokens: "required",
          httpPutResponseHopLimit: 1,
        },
        rootBlockDevice: {
          volumeType: "gp3",
          encrypted: true,
          deleteOnTermination: true,
          tags: { Name: "tokyo", "wireguard-mesh": "wireguard-mesh/dev" },
        },
        sourceDestCheck: true,
        disableApiTermination: false,
        tags: { Name: "tokyo", "wireguard-mesh": "wireguard-mesh/dev" },
      });
      assert.deepEqual(run.calls, [
        [
          "aws:ssm/getParameter:getParameter",
          { name: "/aws/service/debian/release/12/latest/arm64" },
        ],
      ]);
    });

    it("is pushed to with adopt on create and apply on update", () => {
      const { stdin, ...push } = inputsOf(run, "tokyo-push-command");
      assert.ok(isSecret(stdin));
      assert.deepEqual(push, {
        create: "exec node dist/scripts/push/main.js adopt",
        update: "exec node dist/scripts/push/main.js apply",
        delete: "exec node dist/scripts/push/main.js remove",
        triggers: [`${INSTANCE}-id`],
        logging: "stderr",
        addPreviousOutputInEnv: false,
      });
    });

    it("gets its address after its push, and its peers are pushed to after that", () => {
      const after = (name: string) => run.registered.find((one) => one.name === name)?.after ?? [];
      const association = "tokyo-address-association";
      assert.equal(after("tokyo-push-command").includes(association), false);
      assert.ok(after(association).includes("tokyo-push-command"));
      for (const peer of ["desktop", "nas"])
        assert.ok(after(`${peer}-push-command`).includes(association), peer);
    });

    it("has its resources below the same component as in stacks of older versions", () => {
      const parents = run.registered
        .filter(({ type }) => type.startsWith("aws:"))
        .map(({ options }) => options.parent?.split("::").slice(2).join(" "));
      const component = "wireguard-mesh:index:Network$wireguard-mesh:index:RelayInstance tokyo";
      assert.deepEqual([...new Set(parents)], [component]);
    });

    it("is first pushed to at the address that it was created with", () => {
      const identity = requestOf(run, "tokyo")["identity"];
      assert.ok(isMap(identity));
      assert.equal(identity["firstAddress"], FIRST_ADDRESS);
      const stash = run.registered.find(({ name }) => name === "tokyo-first-address");
      assert.deepEqual(stash?.options.replacementTrigger, `${INSTANCE}-id`);
    });

    it("has its address and instance ID in push requests and configs", async () => {
      const tokyo = requestOf(run, "tokyo");
      assert.equal(tokyo["machine"], `${INSTANCE}-id`);
      const principal = `wireguard-mesh-${INSTANCE}-id`;
      const hop = { user: "admin", address: ADDRESS, port: 22, hostKeys: [] };
      const authority = { publicKey: authorityIn(run), principal };
      assert.deepEqual(tokyo["targets"], [{ kind: "ssh", hop: { ...hop, authority }, via: [] }]);
      const desktop = requestOf(run, "desktop");
      assert.deepEqual(desktop["instances"], [`${INSTANCE}-id:${keyPair(0).publicKey}`]);
      const nas = requestOf(run, "nas");
      assert.match(JSON.stringify(nas["targets"]), new RegExp(`"via":.*"address":"${ADDRESS}"`));
      assert.match(String(nas["config"]), new RegExp(`^Endpoint = ${ADDRESS}:51820$`, "m"));
      const configs = await resolved(run.outputs["configs"]);
      assert.equal(configs.secret, true);
      assert.match(JSON.stringify(configs.value), new RegExp(`Endpoint = ${ADDRESS}:51820`));
    });

    it("is a placeholder in the redacted configs, and a fact in the outputs", async () => {
      const desktop = String(inputsOf(run, "desktop")["config"]);
      assert.match(desktop, /^Endpoint = <eip:tokyo>:51820$/m);
      const { value, secret } = await resolved({
        relays: run.outputs["relays"],
        authority: run.outputs["sshAuthority"],
      });
      assert.equal(secret, false);
      assert.ok(isMap(value) && isMap(value["relays"]) && isMap(value["relays"]["tokyo"]));
      assert.equal(value["relays"]["tokyo"]["endpoint"], `${ADDRESS}:51820`);
      assert.deepEqual(value["relays"]["tokyo"]["instance"], {
        id: `${INSTANCE}-id`,
        address: ADDRESS,
      });
    });

    it("has no seed and no host key outside a secret input", () => {
      const userData = inputsOf(run, INSTANCE)["userData"];
      assert.ok(isSecret(userData));
      const hostKey = /BEGIN OPENSSH PRIVATE KEY-----\s+(\S+)/.exec(String(userData.value))?.[1];
      assert.ok(hostKey !== undefined);
      for (const one of run.registered)
        assert.deepEqual(leaksIn(withoutSecrets(one), [AUTHORITY_SEED, hostKey]), [], one.name);
    });
  });
}

describe("an unknown address", () => {
  it("does not stop a preview from registering the pushes", async () => {
    const stack = { ...ec2Stack(true), states: {} };
    const { registered } = await runMockedProgram(stack);
    const names = registered.map(({ name }) => name);
    assert.ok(names.includes("tokyo-push-command") && names.includes("desktop-push-command"));
  });
});

describe("the config of an ec2 relay", () => {
  it("has its image, processor and generation in the instance name, and selects the image", async () => {
    const run = await runMockedProgram(
      ec2Stack(true, { image: "ubuntu-24.04", imageGeneration: 3, instanceType: "t3.micro" }),
    );
    assert.equal(awsNames(run)["aws:ec2/instance:Instance"], "tokyo-ubuntu-24.04-amd64-3");
    assert.deepEqual(
      run.calls.map(([, args]) => args["name"]),
      ["/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id"],
    );
  });

  it("uses an existing subnet instead of a VPC with subnetId", async () => {
    const run = await runMockedProgram(ec2Stack(true, { subnetId: "subnet-0123456789abcdef0" }));
    assert.deepEqual(Object.keys(awsNames(run)), [
      "aws:ec2/eip:Eip",
      "aws:ec2/eipAssociation:EipAssociation",
      "aws:ec2/instance:Instance",
      "aws:ec2/securityGroup:SecurityGroup",
    ]);
    assert.equal(inputsOf(run, INSTANCE)["subnetId"], "subnet-0123456789abcdef0");
    assert.equal(inputsOf(run, "tokyo-firewall")["vpcId"], "vpc-1");
  });

  it("authorizes authorizedKeys to log in", async () => {
    const run = await runMockedProgram(ec2Stack(true));
    const userData = inputsOf(run, INSTANCE)["userData"];
    assert.ok(isSecret(userData) && String(userData.value).includes(LOGIN_KEY));
  });
});

function awsNames({ registered }: Run): Record<string, string> {
  const made = registered.filter(({ type }) => type.startsWith("aws:"));
  const names = made.map(({ type, name }): [string, string] => [type, name]);
  return Object.fromEntries(names.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function inputsOf({ registered }: Run, name: string): Record<string, unknown> {
  const types = /^(aws|command|wireguard-mesh):(?!index:RelayInstance)/;
  const found = registered.find((one) => one.name === name && types.test(one.type));
  assert.ok(found, `${name} was not registered`);
  return found.inputs;
}

function requestOf(run: Run, node: string): Record<string, unknown> {
  const { stdin } = inputsOf(run, `${node}-push-command`);
  assert.ok(isSecret(stdin));
  return JSON.parse(String(stdin.value)) as Record<string, unknown>;
}

function authorityIn(run: Run): unknown {
  return run.outputs["sshAuthority"];
}
