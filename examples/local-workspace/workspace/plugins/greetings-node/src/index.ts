/**
 * How other backend plugins and modules extend the greetings plugin.
 *
 * @packageDocumentation
 */

export { greetingsExtensionPoint } from './extensions';
export type { GreetingsExtensionPoint } from './extensions';
