import { isIPv4, isIPv6 } from 'node:net';
import type { Service } from '../types/core.v1.ts';

const HINTS = 'service.kubernetes.io/topology-aware-hints';
const MODE = 'service.kubernetes.io/topology-mode';

export function serviceWarnings({ metadata, spec }: Service): readonly string[] {
  const { clusterIP, clusterIPs = [], externalIPs = [], loadBalancerIP = '', type = 'ClusterIP' } = spec;
  const found: string[] = [];
  if (metadata.annotations?.[HINTS] !== undefined) {
    found.push(`annotation ${HINTS} is deprecated, please use ${MODE} instead`);
  }
  const isHeadless = type === 'ClusterIP' && clusterIP === 'None';
  if (!isHeadless && type !== 'ExternalName') {
    found.push(...clusterIPs.flatMap((ip, index) => ipWarnings(`spec.clusterIPs[${index}]`, ip)));
  }
  if (isHeadless) {
    found.push(
      ...(loadBalancerIP === '' ? [] : ['spec.loadBalancerIP is ignored for headless services']),
      ...(externalIPs.length === 0 ? [] : ['spec.externalIPs is ignored for headless services']),
      ...(spec.sessionAffinity === 'None' ? [] : ['spec.SessionAffinity is ignored for headless services']),
    );
  }
  found.push(...externalIPs.flatMap((ip, index) => ipWarnings(`spec.externalIPs[${index}]`, ip)));
  if (externalIPs.length > 0 && !isHeadless && type !== 'ExternalName') {
    found.push('spec.externalIPs is deprecated and may no longer be implemented in some clusters');
  }
  if (loadBalancerIP !== '') {
    found.push(...ipWarnings('spec.loadBalancerIP', loadBalancerIP));
  }
  const ranges = spec.loadBalancerSourceRanges ?? [];
  found.push(
    ...ranges.flatMap((range, index) => cidrWarnings(`spec.loadBalancerSourceRanges[${index}]`, range)),
  );
  if (type === 'ExternalName' && externalIPs.length > 0) {
    found.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  }
  if (type !== 'ExternalName' && (spec.externalName ?? '') !== '') {
    found.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  }
  if (spec.trafficDistribution === 'PreferClose') {
    found.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"');
  }
  return found;
}

const LEADING_ZERO = /(^|\.)0+(?=\d)/g;

function ipWarnings(path: string, value: string): readonly string[] {
  const plain = standardIp(value);
  if (plain !== undefined) {
    return [
      `${path}: non-standard IP address ${JSON.stringify(value)} will be considered invalid in a future Kubernetes release: use ${JSON.stringify(plain)}`,
    ];
  }
  const canonical = isIPv6(value) ? canonicalIpv6(value) : value;
  return canonical === value
    ? []
    : [
        `${path}: IPv6 address ${JSON.stringify(value)} should be in RFC 5952 canonical format (${JSON.stringify(canonical)})`,
      ];
}

function cidrWarnings(path: string, value: string): readonly string[] {
  const [ip = '', bits = ''] = value.split('/');
  const plain = standardIp(ip);
  if (plain !== undefined) {
    return [
      `${path}: non-standard CIDR value ${JSON.stringify(value)} will be considered invalid in a future Kubernetes release: use ${JSON.stringify(`${plain}/${bits}`)}`,
    ];
  }
  const canonical = isIPv6(ip) ? `${canonicalIpv6(ip)}/${bits}` : value;
  return canonical === value
    ? []
    : [
        `${path}: IPv6 CIDR value ${JSON.stringify(value)} should be in RFC 5952 canonical format (${JSON.stringify(canonical)})`,
      ];
}

/** The usual way to write an address that is not written so: with leading zeros, or an IPv4 one as IPv6. */
function standardIp(value: string): string | undefined {
  const mapped = /^::ffff:([\d.]+)$/i.exec(value)?.[1];
  if (mapped !== undefined && isIPv4(mapped)) {
    return mapped;
  }
  const plain = value.replaceAll(LEADING_ZERO, '$1');
  return !isIPv4(value) && isIPv4(plain) ? plain : undefined;
}

function canonicalIpv6(value: string): string {
  // A URL's host is written in that form.
  return new URL(`http://[${value}]`).hostname.slice(1, -1);
}
