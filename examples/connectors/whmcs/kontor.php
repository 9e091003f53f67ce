<?php
/**
 * Provisioning module of WHMCS: sells Kontor's products. Lay it as modules/servers/kontor/kontor.php. Needs PHP 7.4 or newer, no extension.
 *
 * The server in WHMCS: hostname and port of Kontor, "Secure" for https, username: the reseller's id, password: an API key
 * of the reseller with the scopes read and enqueue. Without them KONTOR_URL, KONTOR_RESELLER and KONTOR_KEY count.
 * The service id of WHMCS is the service's `external_id` and the order's `order_ref`: each call may be repeated, also
 * when it was killed. Every function returns 'success' or the reason why not.
 */

declare(strict_types=1);

const KONTOR_WAIT = 50.0;   // seconds that a call waits for the handler; the next call waits again
const KONTOR_AWAY = 20.0;   // seconds that a call is repeated while Kontor is away
const KONTOR_NOTE = 'whmcs_renew';  // metadata that keeps the reference of a renewal until it is over
const KONTOR_REACHED = ['create' => 'active', 'suspend' => 'suspended', 'resume' => 'active', 'terminate' => 'ended'];

class KontorError extends RuntimeException
{
    public string $problem = '';
    public string $state = '';
}

function kontor_MetaData(): array
{
    return ['DisplayName' => 'Kontor', 'APIVersion' => '1.1', 'RequiresServer' => true];
}

function kontor_ConfigOptions(): array
{
    return [
        'Product' => ['Type' => 'text', 'Size' => 40, 'Description' => "The product's code in Kontor"],
        'Term' => ['Type' => 'text', 'Size' => 10, 'Description' => "A whole multiple of the product's term, such as P1M"],
    ];
}

function kontor_CreateAccount(array $params): string
{
    return kontor_done(function () use ($params): void {
        $item = kontor_item($params);
        $service = kontor_service($params);
        if ($service === null) {
            $order = [
                'product' => (string) ($params['configoption1'] ?? ''),
                'order_ref' => $item,
                'external_id' => $item,
                'config' => (object) kontor_config($params),
            ];
            if (($params['configoption2'] ?? '') !== '') {
                $order['term'] = $params['configoption2'];
            }
            $placed = kontor_call($params, 'POST', '/v1/resellers/' . kontor_reseller($params) . '/orders', $order);
            $service = kontor_read($params, $placed['service_id']);
        }
        if ($service['state'] === 'ended') {
            throw new KontorError("The service of $item has ended; a new one needs a new service in WHMCS.");
        }
        if ($service['state'] === 'failed') {
            kontor_ask($params, $service, 'create', 'retry');
        } else {
            kontor_settled($params, $service['id'], 'create');
        }
    });
}

function kontor_SuspendAccount(array $params): string
{
    return kontor_done(function () use ($params): void {
        $service = kontor_required($params);
        if (array_intersect(['reseller', 'operator'], $service['suspended_by']) === []) {
            kontor_ask($params, $service, 'suspend', 'suspend', ['reason' => kontor_reason($params)]);
        }
    });
}

function kontor_UnsuspendAccount(array $params): string
{
    return kontor_done(function () use ($params): void {
        $service = kontor_required($params);
        if ($service['state'] !== 'active' || $service['action'] !== null) {
            kontor_ask($params, $service, 'resume', 'resume');
        }
    });
}

function kontor_TerminateAccount(array $params): string
{
    return kontor_done(function () use ($params): void {
        $service = kontor_service($params);
        if ($service !== null && $service['state'] === 'pending') {
            $service = kontor_cancelled($params, $service);
        }
        if ($service !== null && !in_array($service['state'], ['pending', 'ended'], true)) {
            kontor_ask($params, $service, 'terminate', 'terminate');
        }
    });
}

/** Renew the service for another term: once, also when an earlier call of it was killed. */
function kontor_Renew(array $params): string
{
    return kontor_done(function () use ($params): void {
        $service = kontor_required($params);
        $path = '/v1/services/' . $service['id'];
        $noted = $service['metadata'];
        $renewals = count(array_filter($service['jobs'], fn (array $job): bool => $job['verb'] === 'renew'));
        $made = kontor_item($params) . "-renew-{$service['paid_until']}-$renewals";
        $reference = $noted[KONTOR_NOTE] ?? $made;
        unset($noted[KONTOR_NOTE]);
        kontor_call($params, 'PATCH', $path, ['metadata' => $noted + [KONTOR_NOTE => $reference]]);
        try {
            kontor_call($params, 'POST', "$path/renew", ['order_ref' => $reference]);
            kontor_settled($params, $service['id'], 'renew');
        } finally {
            if (kontor_read($params, $service['id'])['action'] === null) {
                kontor_call($params, 'PATCH', $path, ['metadata' => (object) $noted]);
            }
        }
    });
}

function kontor_ChangePackage(array $params): string
{
    return kontor_done(function () use ($params): void {
        $service = kontor_required($params);
        $product = (string) ($params['configoption1'] ?? $service['product']);
        if ($product !== $service['product']) {
            throw new KontorError("The product of a service cannot change from {$service['product']} to $product.");
        }
        $config = kontor_config($params);
        if (array_diff_assoc($config, array_filter($service['config'], 'is_scalar')) !== []) {
            $shown = array_filter($service['config'], fn ($value): bool => $value !== '***');
            kontor_ask($params, $service, 'change', '', ['config' => $config + $shown], 'PATCH');
        }
    });
}

function kontor_done(callable $work): string
{
    try {
        $work();
        return 'success';
    } catch (KontorError $error) {
        return $error->getMessage();
    }
}

function kontor_item(array $params): string
{
    return (string) $params['serviceid'];
}

function kontor_reseller(array $params): string
{
    return kontor_setting($params, 'serverusername', 'KONTOR_RESELLER');
}

function kontor_setting(array $params, string $name, string $variable): string
{
    $value = (string) ($params[$name] ?? '') ?: (string) getenv($variable);
    if ($value === '') {
        throw new KontorError("$name is missing in the server of WHMCS, and $variable in the environment.");
    }
    return $value;
}

function kontor_url(array $params): string
{
    $host = (string) ($params['serverhostname'] ?? '');
    if ($host === '') {
        return rtrim(kontor_setting($params, 'serverhostname', 'KONTOR_URL'), '/');
    }
    $port = (string) ($params['serverport'] ?? '');
    return (($params['serversecure'] ?? true) ? 'https://' : 'http://') . $host . ($port === '' ? '' : ":$port");
}

/** The config: what the customer chose, and the custom fields. */
function kontor_config(array $params): array
{
    return array_filter(($params['configoptions'] ?? []) + ($params['customfields'] ?? []), fn ($value): bool => $value !== '');
}

function kontor_reason(array $params): string
{
    return (string) ($params['suspendreason'] ?? '') ?: 'suspended in WHMCS';
}

function kontor_service(array $params): ?array
{
    $query = ['reseller' => kontor_reseller($params), 'external_id' => kontor_item($params), 'limit' => 1];
    $page = kontor_call($params, 'GET', '/v1/services?' . http_build_query($query));
    return $page['items'] === [] ? null : kontor_read($params, $page['items'][0]['id']);
}

function kontor_read(array $params, string $id): array
{
    return kontor_call($params, 'GET', "/v1/services/$id");
}

function kontor_required(array $params): array
{
    $service = kontor_service($params);
    if ($service === null) {
        throw new KontorError('There is no service of ' . kontor_item($params) . '.');
    }
    return $service;
}

/** Ask for a verb unless it is under way, and wait until it is over. */
function kontor_ask(array $params, array $service, string $verb, string $part, ?array $body = null, string $method = 'POST'): void
{
    if (($service['action']['verb'] ?? null) !== $verb) {
        try {
            kontor_call($params, $method, rtrim("/v1/services/{$service['id']}/$part", '/'), $body ?? new stdClass());
        } catch (KontorError $error) {
            $reached = KONTOR_REACHED[$verb] ?? null;
            if ($error->problem !== 'illegal_transition' || $error->state !== $reached) {
                throw $error;
            }
        }
    }
    kontor_settled($params, $service['id'], $verb);
}

/** Wait until nothing is under way; throws when the verb failed. */
function kontor_settled(array $params, string $id, string $verb): void
{
    $deadline = microtime(true) + KONTOR_WAIT;
    while (($service = kontor_read($params, $id))['action'] !== null) {
        if (microtime(true) > $deadline) {
            throw new KontorError("{$service['action']['verb']} is still under way; call again.");
        }
        usleep(250_000);
    }
    if ($service['state'] === (KONTOR_REACHED[$verb] ?? null)) {
        return;
    }
    foreach ($service['jobs'] as $job) {
        if ($job['verb'] === $verb) {
            if (in_array($job['state'], ['failed', 'cancelled'], true)) {
                throw new KontorError("$verb {$job['state']}: {$job['error']}");
            }
            return;
        }
    }
}

/** Cancel the order of a service that is being made; return the service once it is made or ended. */
function kontor_cancelled(array $params, array $service): array
{
    try {
        kontor_call($params, 'POST', "/v1/orders/{$service['order_id']}/cancel", new stdClass());
    } catch (KontorError $error) {
        if ($error->problem !== 'illegal_transition') {
            throw $error;
        }
    }
    $deadline = microtime(true) + KONTOR_WAIT;
    while (($service = kontor_read($params, $service['id']))['state'] === 'pending' && microtime(true) < $deadline) {
        usleep(250_000);
    }
    return $service;
}

/** Make a call and return its document; repeated while Kontor is away. */
function kontor_call(array $params, string $method, string $path, $body = null): array
{
    $headers = [
        'Authorization: Bearer ' . kontor_setting($params, 'serverpassword', 'KONTOR_KEY'),
        'Content-Type: application/json',
    ];
    if ($method === 'POST') {
        $headers[] = 'Idempotency-Key: ' . bin2hex(random_bytes(16));
    }
    $http = ['method' => $method, 'header' => $headers, 'timeout' => 40, 'ignore_errors' => true, 'follow_location' => 0];
    if ($body !== null) {
        $http['content'] = json_encode($body, JSON_THROW_ON_ERROR);
    }
    $deadline = microtime(true) + KONTOR_AWAY;
    while (true) {
        $text = @file_get_contents(kontor_url($params) . $path, false, stream_context_create(['http' => $http]));
        $status = (int) (explode(' ', $http_response_header[0] ?? '')[1] ?? 0);
        $document = $text === false ? null : json_decode($text, true);
        if ($status >= 200 && $status < 300 && is_array($document)) {
            return $document;
        }
        $error = kontor_problem($status, $document);
        $passes = in_array($status, [0, 429, 503], true) || in_array($error->problem, ['busy', 'idempotency_in_progress'], true);
        if (!$passes || microtime(true) > $deadline) {
            throw $error;
        }
        usleep(500_000);
    }
}

function kontor_problem(int $status, ?array $document): KontorError
{
    if ($status === 0) {
        return new KontorError('Kontor does not answer.');
    }
    $fields = array_map(fn (array $each): string => "; {$each['loc']}: {$each['msg']}", $document['errors'] ?? []);
    $problem = (string) ($document['code'] ?? '');
    $error = new KontorError("$status $problem: " . ($document['detail'] ?? '') . implode('', $fields));
    $error->problem = $problem;
    $error->state = (string) ($document['state'] ?? '');
    return $error;
}
