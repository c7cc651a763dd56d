/** What uname(2) and /proc/version say of the system (host and domain name are the kernel's variables). */

export const OS_TYPE = "Linux";
/** The Linux whose interface this is; glibc and musl want at least 3.2. */
export const KERNEL_RELEASE = "6.6.0-tsrcore";
export const KERNEL_VERSION = "#1 SMP PREEMPT_DYNAMIC";

/** What CLONE_NEWUTS gives a copy of (uts_namespaces(7)). */
export class UtsNamespace {
  hostname: string;
  domainname: string;

  constructor(hostname: string, domainname = "(none)") {
    this.hostname = hostname;
    this.domainname = domainname;
  }

  clone(): UtsNamespace {
    return new UtsNamespace(this.hostname, this.domainname);
  }
}
