/** A member of an archive made by a test, with whatever name an attacker would choose. */
export interface TestMember {
  readonly path: string;
  readonly flag?: string;
  readonly content?: string;
  readonly linkPath?: string;
  readonly mode?: number;
  /** Records of a pax header before the member. */
  readonly pax?: Readonly<Record<string, string>>;
}

/** A ustar archive of these members, owned by whoever runs the test. */
export function testArchive(members: readonly TestMember[]): Buffer {
  return Buffer.concat([...members.flatMap(memberBlocks), Buffer.alloc(1024)]);
}

function memberBlocks(member: TestMember): Buffer[] {
  const pax = Object.entries(member.pax ?? {})
    .map(([key, value]) => paxRecord(key, value))
    .join('');
  const before = pax === '' ? [] : blocks({ path: 'pax', flag: 'x', content: pax });
  return [...before, ...blocks(member)];
}

function blocks({ path, flag = '0', content = '', linkPath = '', mode = 0o644 }: TestMember): Buffer[] {
  const body = Buffer.from(content);
  const header = Buffer.alloc(512);
  header.write(path, 0, 100);
  header.write(mode.toString(8).padStart(7, '0'), 100);
  header.write((process.getuid?.() ?? 0).toString(8).padStart(7, '0'), 108);
  header.write((process.getgid?.() ?? 0).toString(8).padStart(7, '0'), 116);
  header.write(body.length.toString(8).padStart(11, '0'), 124);
  header.write('00000000000', 136);
  header.write('        ', 148);
  header.write(flag, 156);
  header.write(linkPath, 157, 100);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return [header, Buffer.concat([body, Buffer.alloc((512 - (body.length % 512)) % 512)])];
}

function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length;
  while (String(length).length + rest.length !== length) {
    length = String(length).length + rest.length;
  }
  return `${length}${rest}`;
}
