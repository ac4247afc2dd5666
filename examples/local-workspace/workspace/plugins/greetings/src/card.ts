/** The entry point of hosts that want the card without the page. */
export { GreetingsCard } from './plugin';
