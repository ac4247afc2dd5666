/**
 * Greets in every language that it knows, over HTTP.
 *
 * @packageDocumentation
 */

export { greetingsPlugin as default } from './plugin';
