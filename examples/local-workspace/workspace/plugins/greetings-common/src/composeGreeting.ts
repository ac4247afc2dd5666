import type { Greeting, GreetingTemplate } from './types';

/**
 * Who is greeted when nobody is named.
 *
 * @public
 */
export const DEFAULT_NAME = 'world';

/**
 * Puts a name into a greeting; a missing or blank name becomes {@link DEFAULT_NAME}.
 *
 * @public
 */
export function composeGreeting(
  { language, template }: GreetingTemplate,
  name?: string,
): Greeting {
  const greeted = name?.trim() || DEFAULT_NAME;
  // A function as the replacement: `$&` in a name must stay what it is.
  return { language, text: template.replace('{name}', () => greeted) };
}
