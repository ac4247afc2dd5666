import { createExtensionPoint } from '@backstage/backend-plugin-api';
import type { GreetingTemplate } from '@plugin-factory-example/plugin-greetings-common';

/**
 * Where modules tell the greetings plugin about more languages.
 *
 * @public
 */
export interface GreetingsExtensionPoint {
  /** Adds one language; throws when the language is already known. */
  addLanguage(greeting: GreetingTemplate): void;
}

/**
 * The reference that a module asks for to get a {@link GreetingsExtensionPoint}.
 *
 * @public
 */
export const greetingsExtensionPoint =
  createExtensionPoint<GreetingsExtensionPoint>({ id: 'greetings.languages' });
