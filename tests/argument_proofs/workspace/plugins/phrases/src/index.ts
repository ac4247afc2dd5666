/** What the echo plugin says. */
export const phrase = 'an echo that is longer than what ws masks on its own: it would use bufferutil';
