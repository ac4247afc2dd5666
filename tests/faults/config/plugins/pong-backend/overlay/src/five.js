'use strict';

exports.five = 'pong says five, overlaid';
