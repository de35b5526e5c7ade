/** Public AWS Systems Manager parameters with the ID of the newest image. They have the same name in every region. */
import { architectureOf, type Ec2Spec, type Image } from "../mesh/config/ec2";

type Architecture = ReturnType<typeof architectureOf>;

/** Debian wiki, "Cloud/AmazonEC2Image"; Canonical, "Find Ubuntu images on AWS"; Amazon Linux 2023 user guide. */
const PARAMETERS: Record<Image, (architecture: Architecture) => string> = {
  "debian-12": (architecture) => `/aws/service/debian/release/12/latest/${architecture}`,
  "ubuntu-24.04": (architecture) =>
    `/aws/service/canonical/ubuntu/server/24.04/stable/current/${architecture}/hvm/ebs-gp3/ami-id`,
  "amazon-linux-2023": (architecture) =>
    `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${architecture === "amd64" ? "x86_64" : architecture}`,
};

/** The name of the parameter whose value is the image ID. */
export function imageParameter({ image, instanceType }: Ec2Spec): string {
  return PARAMETERS[image](architectureOf(instanceType));
}
