/** Record types this server knows by name; the numbers are the wire's. */
export const RECORD_TYPES = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  ANY: 255,
} as const;

export type RecordType = Exclude<keyof typeof RECORD_TYPES, 'OPT' | 'ANY'>;

/** Names are without the final dot. */
export type DnsRecord = { readonly name: string; readonly ttl: number } & (
  | { readonly type: 'A' | 'AAAA' | 'CNAME' | 'NS' | 'PTR' | 'TXT'; readonly data: string }
  | { readonly type: 'SRV'; readonly data: SrvData }
  | { readonly type: 'SOA'; readonly data: SoaData }
);

export interface SrvData {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: string;
}

export interface SoaData {
  readonly primary: string;
  readonly mailbox: string;
  readonly serial: number;
  readonly refresh: number;
  readonly retry: number;
  readonly expire: number;
  /** How long, in seconds, that a name is missing may be remembered. */
  readonly minimum: number;
}

export const RCODES = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;

export type Rcode = keyof typeof RCODES;

/** What a client asks. The name keeps the case it was asked in, without the final dot. */
export interface DnsQuestion {
  readonly name: string;
  /** Number of the record type; not all have a name here. */
  readonly type: number;
}
