import { formatIp } from '#base/ip.ts';
import { parseQuery, rawRecords, type DnsQuery } from './dns-query.ts';
import { RECORD_TYPES, type DnsRecord } from './dns-record.ts';
import type { Forwarder } from './forwarder.ts';
import type { Resolution } from './resolve.ts';

/**
 * Completes an alias to a name outside the zone with the addresses other servers know for it. They are given
 * under the alias's target, however many further aliases led to them. Without an answer the alias stands alone,
 * and the client may ask on.
 */
export async function followAlias(
  forwarder: Forwarder,
  query: DnsQuery,
  { answers, target }: Extract<Resolution, { readonly kind: 'alias' }>,
): Promise<readonly DnsRecord[]> {
  const { type } = query.question;
  const bytes = encodeQuestion(target, type);
  const targetQuery = bytes === undefined ? undefined : parseQuery(bytes);
  if (bytes === undefined || targetQuery === undefined) {
    return answers;
  }
  const answer = await forwarder.ask(bytes, targetQuery, 'tcp');
  if (answer === undefined) {
    return answers;
  }
  const records = rawRecords(answer, targetQuery.questionEnd) ?? [];
  return [
    ...answers,
    ...records
      .filter((record) => record.type === type)
      .flatMap(({ ttl, ttlOffset }): DnsRecord[] => {
        const data = answer.subarray(ttlOffset + 6, ttlOffset + 6 + answer.readUInt16BE(ttlOffset + 4));
        return type === RECORD_TYPES.A || type === RECORD_TYPES.AAAA
          ? [{ name: target, type: type === RECORD_TYPES.A ? 'A' : 'AAAA', ttl, data: formatAddress(data) }]
          : [];
      }),
  ];
}

function encodeQuestion(name: string, type: number): Buffer | undefined {
  const labels = name.split('.');
  if (name.length > 253 || labels.some((label) => label === '' || label.length > 63)) {
    return undefined;
  }
  // Id (replaced on the way), "recursion desired", one question.
  const header = Buffer.from([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  const encoded = labels.map((label) =>
    Buffer.from(`${String.fromCharCode(label.length)}${label}`, 'latin1'),
  );
  return Buffer.concat([header, ...encoded, Buffer.from([0, type >> 8, type & 255, 0, 1])]);
}

function formatAddress(data: Buffer): string {
  return formatIp({ family: data.length === 16 ? 6 : 4, value: BigInt(`0x0${data.toString('hex')}`) });
}
