// SPDX-License-Identifier: MIT
// Everything of grove::tls: contexts, identities, authorities, streams, errors.
#pragma once

#include <grove/tls/authorities.hpp>
#include <grove/tls/certificate.hpp>
#include <grove/tls/client_context.hpp>
#include <grove/tls/connect.hpp>
#include <grove/tls/identity.hpp>
#include <grove/tls/server_context.hpp>
#include <grove/tls/tls_error.hpp>
#include <grove/tls/tls_stream.hpp>
#include <grove/tls/version.hpp>
