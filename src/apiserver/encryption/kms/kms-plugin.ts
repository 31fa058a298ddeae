import { Client, credentials } from '@grpc/grpc-js';
import type { Clock } from '#base/clock.ts';
import type { MessageType } from '#store/etcd/message.ts';
import { TransformError } from '../transformer.ts';
import {
  DECRYPT_REQUEST,
  DECRYPT_RESPONSE,
  ENCRYPT_REQUEST,
  ENCRYPT_RESPONSE,
  STATUS_REQUEST,
  STATUS_RESPONSE,
  type EncryptedObject,
  type EncryptResponse,
  type StatusResponse,
} from './kms-messages.ts';

const SERVICE = '/v2.KeyManagementService/';

/** Keeps the key that encrypts other keys, outside of this program. */
export interface KmsPlugin extends Disposable {
  /** @throws {TransformError} the plugin does not answer; as for all */
  status(): Promise<StatusResponse>;
  encrypt(uid: string, plaintext: Uint8Array): Promise<EncryptResponse>;
  decrypt(uid: string, object: EncryptedObject): Promise<Uint8Array>;
}

/** A plugin behind a socket, spoken to over gRPC. */
export class GrpcKmsPlugin implements KmsPlugin {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #timeoutMs: number;

  /** @param endpoint `unix:///path/of/the.sock` */
  constructor(endpoint: string, timeoutMs: number, clock: Clock) {
    this.#client = new Client(endpoint, credentials.createInsecure());
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  status(): Promise<StatusResponse> {
    return this.#ask('Status', { request: STATUS_REQUEST, response: STATUS_RESPONSE }, {});
  }

  encrypt(uid: string, plaintext: Uint8Array): Promise<EncryptResponse> {
    const types = { request: ENCRYPT_REQUEST, response: ENCRYPT_RESPONSE };
    return this.#ask('Encrypt', types, { plaintext, uid });
  }

  async decrypt(uid: string, { source, keyId, annotations }: EncryptedObject): Promise<Uint8Array> {
    const types = { request: DECRYPT_REQUEST, response: DECRYPT_RESPONSE };
    const { plaintext } = await this.#ask('Decrypt', types, { ciphertext: source, uid, keyId, annotations });
    return plaintext;
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }

  #ask<Request extends object, Response extends object>(
    method: string,
    { request, response }: { request: MessageType<Request>; response: MessageType<Response> },
    message: Partial<Request>,
  ): Promise<Response> {
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    this.#client.makeUnaryRequest<Partial<Request>, Response>(
      `${SERVICE}${method}`,
      (value) => request.encode(value),
      (bytes) => response.decode(bytes),
      message,
      { deadline: this.#clock.nowMs() + this.#timeoutMs },
      (error, answer) => {
        if (error === null && answer !== undefined) {
          resolve(answer);
        } else {
          reject(new TransformError(error?.message ?? 'the KMS plugin answered nothing', { cause: error }));
        }
      },
    );
    return promise;
  }
}
