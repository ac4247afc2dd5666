'use strict';

exports.two = 'pong says two, overlaid';
