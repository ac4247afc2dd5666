import './notes';
import './reload';

// Sharing begins before anything that is shared is loaded.
import('./app');
