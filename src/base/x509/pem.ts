/** Wraps DER bytes as text, 64 characters a line. */
export function pemEncode(label: string, der: Uint8Array): string {
  const lines = der.toBase64().match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

export interface PemBlock {
  readonly label: string;
  readonly der: Uint8Array;
}

/** All blocks of a text, in order; what stands between them is ignored, as is a block that is not base64. */
export function pemDecode(text: string): readonly PemBlock[] {
  const blocks: PemBlock[] = [];
  for (const match of text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \1-----/g)) {
    const body = (match[2] ?? '').replaceAll(/\s/g, '');
    if (/^[A-Za-z0-9+/]*={0,2}$/.test(body)) {
      blocks.push({ label: match[1] ?? '', der: Buffer.from(body, 'base64') });
    }
  }
  return blocks;
}
