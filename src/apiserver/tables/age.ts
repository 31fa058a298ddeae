/** `5m`, `3d4h`, `2y10d`: how long ago, in at most two units, the way kubectl prints it. */
export function ageText(timestamp: string | null | undefined, nowMs: number): string {
  if (timestamp === undefined || timestamp === null || timestamp === '') {
    return '<unknown>';
  }
  return durationText(nowMs - Date.parse(timestamp));
}

/** A duration in at most two units: seconds alone up to two minutes, then coarser and coarser. */
export function durationText(durationMs: number): string {
  const seconds = Math.trunc(durationMs / 1000);
  if (seconds < -1) {
    return '<invalid>';
  }
  if (seconds < 0) {
    return '0s';
  }
  if (seconds < 120) {
    return `${seconds}s`;
  }
  const minutes = Math.trunc(seconds / 60);
  if (minutes < 10) {
    return withRest(minutes, 'm', seconds % 60, 's');
  }
  if (minutes < 180) {
    return `${minutes}m`;
  }
  const hours = Math.trunc(minutes / 60);
  if (hours < 8) {
    return withRest(hours, 'h', minutes % 60, 'm');
  }
  if (hours < 48) {
    return `${hours}h`;
  }
  const days = Math.trunc(hours / 24);
  if (hours < 192) {
    return withRest(days, 'd', hours % 24, 'h');
  }
  if (days < 730) {
    return `${days}d`;
  }
  const years = Math.trunc(days / 365);
  return days < 2920 ? withRest(years, 'y', days % 365, 'd') : `${years}y`;
}

function withRest(value: number, unit: string, rest: number, restUnit: string): string {
  return rest === 0 ? `${value}${unit}` : `${value}${unit}${rest}${restUnit}`;
}
