'use strict';

exports.three = 'pong says three, overlaid';
