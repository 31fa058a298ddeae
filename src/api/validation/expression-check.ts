/** Says what is wrong with the expressions of one object; undefined when nothing is. */
export interface ExpressionCheck {
  /** A condition that knows no variables of its policy. */
  condition(source: string): string | undefined;
  /** A variable that all expressions after it know. */
  variable(name: string, source: string): string | undefined;
  validation(source: string): string | undefined;
  message(source: string): string | undefined;
  annotation(source: string): string | undefined;
  jsonPatch(source: string): string | undefined;
  applyConfiguration(source: string): string | undefined;
}

/** Compiles expressions; given by the layer that can. */
export type ExpressionChecker = (options: { readonly hasParams: boolean }) => ExpressionCheck;

/** Takes every expression, for objects that are checked where none can be compiled. */
export const UNCHECKED_EXPRESSIONS: ExpressionChecker = () => ({
  condition: () => undefined,
  variable: () => undefined,
  validation: () => undefined,
  message: () => undefined,
  annotation: () => undefined,
  jsonPatch: () => undefined,
  applyConfiguration: () => undefined,
});
