/** Where the publishers of images name the newest one: public parameters of AWS Systems Manager, the same in every region. */
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

/** The parameter whose value is the id of the image. */
export function imageParameter({ image, instanceType }: Ec2Spec): string {
  return PARAMETERS[image](architectureOf(instanceType));
}
