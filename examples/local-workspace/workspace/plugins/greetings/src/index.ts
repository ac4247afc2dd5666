/**
 * A page that shows what the greetings backend answers.
 *
 * @packageDocumentation
 */

export { GreetingsCard, GreetingsPage, greetingsPlugin } from './plugin';
