import { bytes, int, messages, MessageType, string, type MessageOf } from '#store/etcd/message.ts';

// The messages of KMS v2 and of what is stored with it. Numbers are the wire's; names are our own.

const ANNOTATION = new MessageType({ key: string(1), value: bytes(2) });
export type Annotations = readonly MessageOf<typeof ANNOTATION>[];

export const STATUS_REQUEST = new MessageType({});
export const STATUS_RESPONSE = new MessageType({ version: string(1), health: string(2), keyId: string(3) });
export type StatusResponse = MessageOf<typeof STATUS_RESPONSE>;

export const DECRYPT_REQUEST = new MessageType({
  ciphertext: bytes(1),
  uid: string(2),
  keyId: string(3),
  annotations: messages(4, ANNOTATION),
});
export const DECRYPT_RESPONSE = new MessageType({ plaintext: bytes(1) });

export const ENCRYPT_REQUEST = new MessageType({ plaintext: bytes(1), uid: string(2) });
export const ENCRYPT_RESPONSE = new MessageType({
  ciphertext: bytes(1),
  keyId: string(2),
  annotations: messages(3, ANNOTATION),
});
export type EncryptResponse = MessageOf<typeof ENCRYPT_RESPONSE>;

/** The source is the key itself. */
export const SOURCE_IS_KEY = 0;
/** The source is the seed that each value's key is derived from. */
export const SOURCE_IS_SEED = 1;

/** A value as it is stored: encrypted, with the encrypted source of its key. */
export const ENCRYPTED_OBJECT = new MessageType({
  data: bytes(1),
  keyId: string(2),
  source: bytes(3),
  annotations: messages(4, ANNOTATION),
  sourceType: int(5),
});
export type EncryptedObject = MessageOf<typeof ENCRYPTED_OBJECT>;
