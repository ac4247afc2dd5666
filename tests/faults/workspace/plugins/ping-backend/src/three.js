'use strict';

exports.three = 'ping says three';
