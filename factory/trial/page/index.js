import './notes';

// Sharing begins before anything that is shared is loaded.
import('./app');
