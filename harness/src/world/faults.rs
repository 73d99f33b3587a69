//! What a scenario says of faults, as kubelets take it.

use fake_kubelet::{
    BodyFault, CertificateFault, Faults, SampleFault, TlsFault, TransferFault, Trickle, When,
};

use crate::file::format;

/// The faults of a kubelet.
pub(super) fn faults(faults: &format::Faults) -> Faults {
    Faults {
        refuse: faults.refuse,
        silence: faults.silence,
        cut_after: faults.cut_after,
        trickle: faults
            .trickle
            .map(|trickle| Trickle { bytes: trickle.bytes, every: trickle.every.0 }),
        tls: faults.tls.map(tls),
        certificate: faults.certificate.map(certificate).into_iter().collect(),
        delay: faults.delay.map(|delay| delay.0),
        status: faults.status,
        redirect: faults.redirect.clone(),
        content_type: faults.content_type.clone(),
        transfer: faults.transfer.map(transfer),
        body: faults.body.map(body),
        samples: faults.samples.map(samples),
        when: faults.when.map(when).unwrap_or_default(),
        at: faults.at.iter().flatten().map(|ip| ip.0).collect(),
        also: faults.also.iter().map(self::faults).collect(),
    }
}

fn when(when: format::When) -> When {
    When {
        after: when.after.map(|after| after.0).unwrap_or_default(),
        for_: when.for_.map(|length| length.0),
        every: when.every.map(|every| every.0),
        after_requests: when.after_requests.unwrap_or_default(),
        for_requests: when.for_requests,
        probability: when.probability.map(|probability| probability.0),
    }
}

fn tls(fault: format::TlsFault) -> TlsFault {
    match fault {
        format::TlsFault::InternalError => TlsFault::InternalError,
        format::TlsFault::ClientCertificate => TlsFault::ClientCertificate,
        format::TlsFault::Plaintext => TlsFault::Plaintext,
    }
}

fn certificate(fault: format::CertificateFault) -> CertificateFault {
    match fault {
        format::CertificateFault::Expired => CertificateFault::Expired,
        format::CertificateFault::NotYetValid => CertificateFault::NotYetValid,
        format::CertificateFault::OtherName => CertificateFault::OtherName,
        format::CertificateFault::NoIpSan => CertificateFault::NoIpSan,
        format::CertificateFault::UnknownCa => CertificateFault::UnknownCa,
        format::CertificateFault::ReplacedCa => CertificateFault::ReplacedCa,
    }
}

fn transfer(fault: format::TransferFault) -> TransferFault {
    match fault {
        format::TransferFault::NoAnswer => TransferFault::NoAnswer,
        format::TransferFault::Gzip => TransferFault::Gzip,
        format::TransferFault::GzipBomb => TransferFault::GzipBomb,
        format::TransferFault::CutShort => TransferFault::CutShort,
        format::TransferFault::CutChunks => TransferFault::CutChunks,
        format::TransferFault::Endless => TransferFault::Endless,
        format::TransferFault::Gigantic => TransferFault::Gigantic,
    }
}

fn body(fault: format::BodyFault) -> BodyFault {
    match fault {
        format::BodyFault::Garbage => BodyFault::Garbage,
        format::BodyFault::Empty => BodyFault::Empty,
        format::BodyFault::NotFound => BodyFault::NotFound,
        format::BodyFault::OnlyScrapeError => BodyFault::OnlyScrapeError,
        format::BodyFault::NoCpu => BodyFault::NoCpu,
        format::BodyFault::NoMemory => BodyFault::NoMemory,
        format::BodyFault::NoStartTimes => BodyFault::NoStartTimes,
        format::BodyFault::NoNode => BodyFault::NoNode,
        format::BodyFault::NoPods => BodyFault::NoPods,
        format::BodyFault::Zeros => BodyFault::Zeros,
        format::BodyFault::NaN => BodyFault::NaN,
        format::BodyFault::Infinite => BodyFault::Infinite,
        format::BodyFault::Negative => BodyFault::Negative,
        format::BodyFault::Escapes => BodyFault::Escapes,
        format::BodyFault::Duplicates => BodyFault::Duplicates,
        format::BodyFault::NoLabels => BodyFault::NoLabels,
        format::BodyFault::NoContainerLabel => BodyFault::NoContainerLabel,
        format::BodyFault::BadLine => BodyFault::BadLine,
    }
}

fn samples(fault: format::SampleFault) -> SampleFault {
    SampleFault {
        ahead: fault.ahead.map(|ahead| ahead.0).unwrap_or_default(),
        behind: fault.behind.map(|behind| behind.0).unwrap_or_default(),
        frozen: fault.frozen,
        untimed: fault.untimed,
        reset: fault.reset,
    }
}
