import type { StructType } from '#api/schema/schema.ts';

/** What a type is for, and what each of its fields is. */
export interface TypeDescription {
  readonly text: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** Texts by the name that generated clients give a type, such as `V1PodSpec` and `CoreV1Event`. */
export type DescriptionFile = Readonly<
  Record<string, readonly [text: string, fields: Readonly<Record<string, string>>]>
>;

const NONE: TypeDescription = { text: '', fields: {} };

/** Finds the texts of built-in types. */
export class Descriptions {
  readonly #file: DescriptionFile;

  constructor(file: DescriptionFile) {
    this.#file = file;
  }

  get isEmpty(): boolean {
    return Object.keys(this.#file).length === 0;
  }

  of(struct: StructType): TypeDescription {
    // `core.v1.PodSpec`
    const [group = '', version = '', name = ''] = struct.name.split('.');
    const plain = `${capital(version)}${name}`;
    for (const key of [`${capital(group)}${plain}`, plain]) {
      const [text, fields] = this.#file[key] ?? [];
      // Types of different groups may share a name; theirs are other fields.
      if (
        text !== undefined &&
        fields !== undefined &&
        struct.fields.every((field) => Object.hasOwn(fields, field.name))
      ) {
        return { text, fields };
      }
    }
    return NONE;
  }
}

function capital(word: string): string {
  return `${word.charAt(0).toUpperCase()}${word.slice(1)}`;
}
