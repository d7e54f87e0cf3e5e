"""Asks LibreOffice what it thinks of the digital signatures of Word files; run by /usr/bin/python3.

Arguments: the office's pipe, then the files. Prints one JSON list: for each file a list of
``{"valid"}``, one a signature. (LibreOffice calls every package signature of this kind partial.)
"""

import json
import sys
import time

import uno
from com.sun.star.beans import PropertyValue
from com.sun.star.connection import NoConnectException


def main(pipe, *paths):
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstanceWithContext(
        "com.sun.star.bridge.UnoUrlResolver", local
    )
    context = connect(resolver, f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
    services = context.ServiceManager
    print(json.dumps([judge(services, context, path) for path in paths]))


def connect(resolver, address):
    for _ in range(200):
        try:
            return resolver.resolve(address)
        except NoConnectException:
            time.sleep(0.3)
    return resolver.resolve(address)


def judge(services, context, path):
    factory = services.createInstanceWithContext("com.sun.star.embed.StorageFactory", context)
    files = services.createInstanceWithContext("com.sun.star.ucb.SimpleFileAccess", context)
    as_zip = PropertyValue("StorageFormat", 0, "ZipFormat", 0)
    storage = uno.invoke(
        factory,
        "createInstanceWithArguments",
        (
            (
                files.openFileRead(uno.systemPathToFileUrl(path)),
                1,
                uno.Any("[]com.sun.star.beans.PropertyValue", (as_zip,)),
            ),
        ),
    )
    signatures = services.createInstanceWithArgumentsAndContext(
        "com.sun.star.security.DocumentDigitalSignatures", ("1.2", True), context
    )
    found = signatures.verifyDocumentContentSignatures(storage, None)
    return [{"valid": one.SignatureIsValid} for one in found]


if __name__ == "__main__":
    main(*sys.argv[1:])
