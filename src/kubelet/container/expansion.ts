/**
 * Replaces `$(NAME)` by the variable of that name. `$$` is a literal `$`, so `$$(NAME)` stays `$(NAME)`;
 * a reference to an unknown variable stays as it is.
 */
export function expandVariables(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\$(\$|\(([^)]*)\))/g, (whole: string, escaped: string, name: string | undefined) =>
    escaped === '$' ? '$' : (variables.get(name ?? '') ?? whole),
  );
}
