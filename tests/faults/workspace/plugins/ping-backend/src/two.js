'use strict';

exports.two = 'ping says two';
