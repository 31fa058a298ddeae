import { createHash } from 'node:crypto';
import { dnsSubdomainProblems } from '#api/names.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { ProtobufError } from '#base/protobuf-wire.ts';
import type { Random } from '#base/random.ts';
import { RecentMap } from '#base/recent-map.ts';
import { AesGcm, SeededGcm } from '../aes.ts';
import { TransformError, type ReadValue, type Transformer } from '../transformer.ts';
import {
  ENCRYPTED_OBJECT,
  SOURCE_IS_KEY,
  SOURCE_IS_SEED,
  type EncryptedObject,
  type StatusResponse,
} from './kms-messages.ts';
import type { KmsPlugin } from './kms-plugin.ts';

const SEED_BYTES = 32;
const KEY_ID_BYTES_MAX = 1024;
const SOURCE_BYTES_MAX = 1024;
const ANNOTATIONS_BYTES_MAX = 32 * 1024;
/** How long a seed is written with after the plugin was last well. */
const WRITE_MS_MAX = 3 * 60_000;
const HEALTHY_POLL_MS = 60_000;
const UNHEALTHY_POLL_MS = 10_000;
/** How long an answer about the plugin's health is repeated instead of asking again. */
const HEALTHY_ANSWER_MS = 20_000;
const UNHEALTHY_ANSWER_MS = 3000;
/** Seeds remembered: about one for each start of a server and key of the plugin. */
const SEEDS_MAX = 1000;
const VERSIONS: readonly string[] = ['v2', 'v2beta1'];

export interface KmsProviderDeps {
  readonly name: string;
  readonly plugin: KmsPlugin;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

interface State {
  readonly transformer: Transformer;
  /** With what each value of this seed is stored beside its own bytes. */
  readonly envelope: Omit<EncryptedObject, 'data'>;
  expiresAtMs: number;
}

/**
 * Encrypts with a seed of this process that a KMS v2 plugin has encrypted: the plugin is asked once for each seed, not
 * for each value. The seed is replaced when the plugin says that it uses another key.
 */
export class KmsProvider implements Transformer {
  readonly #deps: KmsProviderDeps;
  readonly #seeds = new RecentMap<string, Transformer>(SEEDS_MAX);
  #state: State | undefined;
  #version = '';
  #checked: { readonly problem: string | undefined; readonly untilMs: number } | undefined;
  #checking: Promise<string | undefined> | undefined;

  constructor(deps: KmsProviderDeps) {
    this.#deps = deps;
  }

  /** Asks for the plugin's health and, when its key changed, for a new seed. @returns what is wrong, or undefined */
  check(): Promise<string | undefined> {
    const { clock } = this.#deps;
    if (this.#checked !== undefined && clock.monotonicMs() < this.#checked.untilMs) {
      return Promise.resolve(this.#checked.problem);
    }
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  /** Keeps the seed good until the signal fires. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, name } = this.#deps;
    while (!signal.aborted) {
      const problem = await this.check();
      if (problem !== undefined) {
        log.warn('kms plugin failed health check probe', { name, problem });
      }
      await clock.sleep(problem === undefined ? HEALTHY_POLL_MS : UNHEALTHY_POLL_MS, signal);
    }
  }

  async read(data: Uint8Array, key: string): Promise<ReadValue> {
    const object = decodeObject(data);
    const { envelope } = this.#current();
    const { value } = await (await this.#transformerOf(object)).read(object.data, key);
    const isStale = object.keyId !== envelope.keyId || object.sourceType !== envelope.sourceType;
    return { value, isStale };
  }

  async write(value: Uint8Array, key: string): Promise<Uint8Array> {
    const { transformer, envelope, expiresAtMs } = this.#current();
    const nowMs = this.#deps.clock.nowMs();
    if (nowMs > expiresAtMs) {
      throw new TransformError(
        `encryptedDEKSource with keyID hash ${JSON.stringify(hashOf(envelope.keyId))} expired at ${timeText(expiresAtMs)} (current time is ${timeText(nowMs)})`,
      );
    }
    return ENCRYPTED_OBJECT.encode({ ...envelope, data: await transformer.write(value, key) });
  }

  #current(): State {
    if (this.#state === undefined) {
      throw new TransformError('got unexpected nil transformer');
    }
    return this.#state;
  }

  async #transformerOf(object: EncryptedObject): Promise<Transformer> {
    const { data: _data, ...envelope } = object;
    const id = idOf(envelope);
    const known = this.#seeds.get(id);
    if (known !== undefined) {
      return known;
    }
    const { plugin, random } = this.#deps;
    const source = await plugin.decrypt(random.uuid(), object).catch((error: unknown) => {
      throw new TransformError(`failed to decrypt DEK, error: ${messageOf(error)}`, { cause: error });
    });
    const transformer =
      object.sourceType === SOURCE_IS_SEED ? new SeededGcm(source, random) : new AesGcm(source, random);
    this.#seeds.set(id, transformer);
    return transformer;
  }

  async #check(): Promise<string | undefined> {
    const { plugin, clock, name } = this.#deps;
    let problem: string | undefined;
    try {
      const problems = await this.#problemsOf(await plugin.status());
      if (problems.length > 0) {
        const text = problems.length > 1 ? `[${problems.join(', ')}]` : problems[0];
        problem = `kmsv2 Provider ${name} is not healthy, error: ${text}`;
      }
    } catch (error) {
      problem = `failed to perform status section of the healthz check for KMS Provider ${name}, error: ${messageOf(error)}`;
    }
    const answerMs = problem === undefined ? HEALTHY_ANSWER_MS : UNHEALTHY_ANSWER_MS;
    this.#checked = { problem, untilMs: clock.monotonicMs() + answerMs };
    return problem;
  }

  async #problemsOf({ version, health, keyId }: StatusResponse): Promise<readonly string[]> {
    const problems: string[] = [];
    if (health !== 'ok') {
      problems.push(`got unexpected healthz status: ${health}`);
    }
    if (!VERSIONS.includes(version)) {
      problems.push(`expected KMSv2 API version v2, got ${version}`);
    } else if (this.#version !== '' && this.#version !== version) {
      problems.push(
        `KMSv2 API version should not change after the initial status response version ${this.#version}, got ${version}`,
      );
    } else {
      this.#version = version;
    }
    const wrongId = keyIdProblem(keyId);
    const rotation =
      wrongId === undefined
        ? await this.#rotate(keyId)
        : `got invalid KMSv2 KeyID hash ${JSON.stringify(hashOf(keyId))}: ${wrongId}`;
    return rotation === undefined ? problems : [...problems, rotation];
  }

  /** Goes on with the seed while the plugin's key is the same, else makes a new one. @returns why it could not */
  async #rotate(keyId: string): Promise<string | undefined> {
    const { plugin, clock, random } = this.#deps;
    // Before the plugin is asked, for the time is an upper bound.
    const expiresAtMs = clock.nowMs() + WRITE_MS_MAX;
    if (this.#state?.envelope.keyId === keyId) {
      this.#state.expiresAtMs = expiresAtMs;
      return undefined;
    }
    const uid = random.uuid();
    const seed = random.bytes(SEED_BYTES);
    try {
      const answer = await plugin.encrypt(uid, seed);
      const envelope = {
        keyId: answer.keyId,
        source: answer.ciphertext,
        annotations: answer.annotations,
        sourceType: SOURCE_IS_SEED,
      };
      const problem =
        envelopeProblem(envelope) ??
        (answer.keyId === keyId ? undefined : 'the key of the status is not the one it encrypts with');
      if (problem !== undefined) {
        return rotationProblem(uid, problem);
      }
      const transformer = new SeededGcm(seed, random);
      this.#seeds.set(idOf(envelope), transformer);
      this.#state = { transformer, envelope, expiresAtMs };
      return undefined;
    } catch (error) {
      return rotationProblem(uid, `failed to encrypt DEK, error: ${messageOf(error)}`);
    }
  }
}

function rotationProblem(uid: string, problem: string): string {
  return `failed to rotate DEK uid=${JSON.stringify(uid)}, errGen=${problem}`;
}

/** @throws {TransformError} */
function decodeObject(data: Uint8Array): EncryptedObject {
  try {
    const object = ENCRYPTED_OBJECT.decode(data);
    const problem = object.data.length === 0 ? 'encrypted data is empty' : envelopeProblem(object);
    if (problem !== undefined) {
      throw new TransformError(problem);
    }
    return object;
  } catch (error) {
    throw error instanceof ProtobufError ? new TransformError(error.message, { cause: error }) : error;
  }
}

function envelopeProblem({
  sourceType,
  source,
  keyId,
  annotations,
}: Omit<EncryptedObject, 'data'>): string | undefined {
  if (sourceType !== SOURCE_IS_KEY && sourceType !== SOURCE_IS_SEED) {
    return `unknown encryptedDEKSourceType: ${sourceType}`;
  }
  if (source.length === 0) {
    return 'failed to validate encrypted DEK source: encrypted DEK source is empty';
  }
  if (source.length > SOURCE_BYTES_MAX) {
    return `failed to validate encrypted DEK source: encrypted DEK source is ${source.length} bytes, which exceeds the max size of ${SOURCE_BYTES_MAX}`;
  }
  const wrongId = keyIdProblem(keyId);
  if (wrongId !== undefined) {
    return `failed to validate key id: ${wrongId}`;
  }
  const size = annotations.reduce((sum, { key, value }) => sum + Buffer.byteLength(key) + value.length, 0);
  if (size > ANNOTATIONS_BYTES_MAX) {
    return `failed to validate annotations: total size of annotations is ${size}, which exceeds the max size of ${ANNOTATIONS_BYTES_MAX}`;
  }
  const unqualified = annotations.find(
    ({ key }) => !key.includes('.') || dnsSubdomainProblems(key).length > 0,
  );
  return unqualified === undefined
    ? undefined
    : `failed to validate annotations: annotations: Invalid value: ${JSON.stringify(unqualified.key)}: should be a domain with at least two segments separated by dots`;
}

function keyIdProblem(keyId: string): string | undefined {
  const length = Buffer.byteLength(keyId);
  if (length === 0) {
    return 'keyID is empty';
  }
  return length > KEY_ID_BYTES_MAX
    ? `keyID is ${length} bytes, which exceeds the max size of ${KEY_ID_BYTES_MAX}`
    : undefined;
}

function idOf(envelope: Omit<EncryptedObject, 'data'>): string {
  const annotations = envelope.annotations.toSorted((left, right) => (left.key < right.key ? -1 : 1));
  const bytes = ENCRYPTED_OBJECT.encode({ ...envelope, annotations });
  return createHash('sha256').update(bytes).digest('base64');
}

/** Key names may tell something about the key; hashes can still be compared. */
function hashOf(keyId: string): string {
  return keyId === '' ? '' : `sha256:${createHash('sha256').update(keyId).digest('hex')}`;
}

function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
